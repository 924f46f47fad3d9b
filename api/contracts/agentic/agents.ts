import { z } from 'zod';
import { runStatuses } from '../../../domain/run';
import { operation } from '../../operation';
import { byId, intId, name, page, prose } from '../shapes';
import { ChangeShape } from './changes';
import { AgentShape, SteeringShape, TaskShape } from './ticket-shapes';

const tag = 'Agents';

export const agents = {
  assignAgent: operation({
    route: 'POST /api/tickets/:ticket_id/assign-agent',
    tag: 'Tickets',
    summary: 'Set an agent to work on the ticket; it has at most one',
    access: 'agents:spawn',
    params: byId('ticket_id'),
    body: z.object({
      model: name(200).nullable().optional(),
      harness: name(50).nullable().optional(),
      profile_id: name(100).nullable().optional(),
      prompt: prose.nullable().optional(),
      requested_permissions: z.array(z.string().max(100)).max(100).optional(),
    }),
    output: z.object({
      status: z.literal('spawned'),
      agent_id: z.int(),
      task_id: z.int(),
      ticket_id: z.int(),
      model: z.string().nullable(),
      harness: z.string(),
      profile_id: z.string().nullable(),
      priority_rank: z.int(),
    }),
    errors: ['NotFound', 'Conflict'],
  }),
  unassignAgent: operation({
    route: 'POST /api/tickets/:ticket_id/unassign-agent',
    tag: 'Tickets',
    summary: "Terminate the ticket's agent and take it off the ticket; without one, nothing changes",
    access: 'agents:stop',
    params: byId('ticket_id'),
    output: z.object({ status: z.literal('agent_unassigned'), ticket_id: z.int() }),
    errors: ['NotFound'],
  }),
  listAgents: operation({
    route: 'GET /api/agents',
    tag,
    summary: 'List agents, newest first',
    access: 'agents:read',
    query: page.extend({ status: z.enum(runStatuses).optional(), ticket_id: intId.optional() }),
    output: z.object({ agents: z.array(AgentShape), total: z.int() }),
  }),
  listActiveAgents: operation({
    route: 'GET /api/agents/active',
    tag,
    summary: 'Agents that work now; one that waits for people is not among them',
    access: 'agents:read',
    output: z.object({
      agents: z.array(AgentShape),
      count: z.int(),
      queue_health: z.object({ queued_depth: z.int(), running: z.int(), waiting: z.int() }),
    }),
  }),
  getAgent: operation({
    route: 'GET /api/agents/:agent_id',
    tag,
    summary: 'One agent with its task, its change requests and the last 50 entries of its log',
    access: 'agents:read',
    params: byId('agent_id'),
    output: AgentShape.extend({
      current_task: TaskShape,
      change_requests: z.array(ChangeShape),
      audit: z.array(
        z.object({
          id: z.int(), action: z.string(), actor: z.string(), target: z.string(), decision: z.string(), reason: z.string().nullable(),
          details: z.record(z.string(), z.unknown()), created_at: z.string(),
        }), // prettier-ignore
      ),
    }),
  }),
  listSteering: operation({
    route: 'GET /api/agents/:agent_id/steering',
    tag: 'Tickets',
    summary: 'What people said to an agent, newest first, and whether it has heard',
    access: 'agents:read',
    params: byId('agent_id'),
    query: page,
    output: z.object({ agent_id: z.int(), events: z.array(SteeringShape), total: z.int() }),
  }),
  acknowledgeSteering: operation({
    route: 'POST /api/agents/:agent_id/steering/:event_id/ack',
    tag: 'Tickets',
    summary: 'Say that the agent has taken it in; a repeat changes nothing',
    access: 'agents:heartbeat',
    params: z.object({ agent_id: intId, event_id: intId }),
    body: z.object({ actor: name(100).optional() }),
    output: z.object({ status: z.literal('acknowledged'), event_id: z.int(), agent_id: z.int() }),
    errors: ['NotFound'],
  }),
  stopAgent: operation({
    route: 'POST /api/agents/:agent_id/stop',
    tag,
    summary:
      'Stop an agent: from now on none of its calls passes; one that has ended stays as it is, and its status is told',
    access: 'agents:stop',
    params: byId('agent_id'),
    body: z.object({ reason: name(500).default('operator_stop') }),
    output: z.object({ status: z.enum(runStatuses), agent_id: z.int() }),
    errors: ['NotFound'],
  }),
};

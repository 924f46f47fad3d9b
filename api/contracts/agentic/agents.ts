import { z } from 'zod';
import { runStatuses } from '../../../domain/run';
import { operation } from '../../operation';
import { byId, intId, name, page, prose } from '../shapes';
import { requestedPermissions, SpawnedShape, wanted } from './agent-work';
import { ChangeShape } from './changes';
import { BudgetShape } from './model-turn-shapes';
import { AgentShape, SteeringShape, TaskShape, taskStatuses } from './ticket-shapes';

const tag = 'Agents';

export const agents = {
  assignAgent: operation({
    route: 'POST /api/tickets/:ticket_id/assign-agent',
    tag: 'Tickets',
    summary: 'Set an agent to work on the ticket; it has at most one',
    access: 'agents:spawn',
    params: byId('ticket_id'),
    body: z.object({
      ...wanted,
      prompt: prose.nullable().optional(),
      requested_permissions: requestedPermissions,
    }),
    output: SpawnedShape,
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
  agentStats: operation({
    route: 'GET /api/agents/stats',
    tag,
    summary: 'How many agents there were, work and ended, and how long those that finished took',
    access: 'agents:read',
    output: z.object({
      total: z.int(),
      active: z.int(),
      finished: z.int(),
      failed: z.int().describe('With those that people stopped'),
      avg_duration_seconds: z.number().nullable(),
    }),
  }),
  listTasks: operation({
    route: 'GET /api/agents/tasks',
    tag,
    summary: 'What agents were set to do, newest first, with the last steps of each',
    access: 'agents:read',
    query: page.extend({
      status: z.enum(taskStatuses).optional(),
      agent_id: intId.optional(),
      ticket_id: intId.optional(),
    }),
    output: z.object({ tasks: z.array(TaskShape), total: z.int() }),
  }),
  getAgent: operation({
    route: 'GET /api/agents/:agent_id',
    tag,
    summary: 'One agent with its task, its change requests and the last 50 entries of its log',
    access: 'agents:read',
    params: byId('agent_id'),
    output: AgentShape.extend({
      budget: BudgetShape.nullable().describe('Null where what it spends is not counted here'),
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

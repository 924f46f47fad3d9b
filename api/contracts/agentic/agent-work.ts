import { z } from 'zod';
import { runStatuses } from '../../../domain/run';
import { operation } from '../../operation';
import { money, tokens } from '../../../domain/runtime.schema';
import { byId, intId, name, prose } from '../shapes';

const tag = 'Agents';

/** What an agent is to work with; what is not given follows from the profile that its work is routed to. */
export const wanted = {
  model: name(200).nullable().optional(),
  harness: name(50).nullable().optional(),
  profile_id: name(100).nullable().optional(),
  budget_tokens: tokens.nullable().optional().describe('What the run may spend, of a model that is asked here'),
  budget_money: money.nullable().optional().describe('The same in the currency of the prices'),
};
export const requestedPermissions = z.array(z.string().max(100)).max(100).optional();

export const SpawnedShape = z.object({
  status: z.literal('spawned'),
  agent_id: z.int(),
  task_id: z.int(),
  ticket_id: z.int(),
  model: z.string().nullable(),
  harness: z.string(),
  profile_id: z.string().nullable(),
  priority_rank: z.int().describe('Whose turn comes first when more are spawned than may work at once: the lower'),
});

/** A task beside the one on the ticket: what was learned from it. */
const taskOf = (route: 'postmortem' | 'workflow', summary: string) =>
  operation({
    route: `POST /api/tickets/:ticket_id/${route}`,
    tag: 'Tickets',
    summary,
    access: 'agents:spawn',
    params: byId('ticket_id'),
    body: z.object({ model: wanted.model, harness: wanted.harness, context: prose.nullable().optional() }),
    output: SpawnedShape,
    errors: ['NotFound', 'Conflict'],
  });

export const agentWork = {
  spawnAgent: operation({
    route: 'POST /api/agents/spawn',
    tag,
    summary: 'Set an agent to work on a ticket that is there',
    access: 'agents:spawn',
    body: z.object({
      ticket_id: intId,
      ...wanted,
      prompt: prose.nullable().optional(),
      task_type: z.enum(['ticket_resolution', 'ad_hoc', 'postmortem', 'workflow_build']).default('ticket_resolution'),
      requested_permissions: requestedPermissions,
    }),
    output: SpawnedShape,
    errors: ['NotFound', 'Conflict'],
  }),
  createFromPrompt: operation({
    route: 'POST /api/agents/create-from-prompt',
    tag,
    summary: 'Create a ticket of what is said, and set an agent to work on it',
    access: 'agents:spawn',
    body: z.object({ prompt: prose, ...wanted, requested_permissions: requestedPermissions }),
    output: SpawnedShape,
    errors: ['Conflict'],
  }),
  wakeAgent: operation({
    route: 'POST /api/agents/:agent_id/wake',
    tag,
    summary:
      'One that is at work has its heartbeat refreshed; one that has ended is followed by another with its task, unless people ended it',
    access: 'agents:wake',
    params: byId('agent_id'),
    output: z.object({
      ...SpawnedShape.partial().shape,
      status: z.enum(['already_active', 'replacement_spawned']),
      agent_id: z.int(),
      task_id: z.int(),
      source_agent_id: z.int(),
      message: z.string(),
    }),
    errors: ['NotFound', 'Conflict'],
  }),
  restartAgent: operation({
    route: 'POST /api/agents/:agent_id/restart',
    tag,
    summary: 'Terminate the agent and set another to work with its task',
    access: 'agents:restart',
    params: byId('agent_id'),
    output: SpawnedShape.extend({ source_agent_id: z.int() }),
    errors: ['NotFound', 'Conflict'],
  }),
  updateAgent: operation({
    route: 'POST /api/agents/:agent_id/update',
    tag,
    summary: 'Say by hand how an agent is: that it ended, and how; or, of one that works, that it still does',
    access: 'agents:update',
    params: byId('agent_id'),
    body: z.object({
      status: z.enum(['running', 'working', 'finished', 'failed', 'stopped', 'terminated']),
      error_message: name(500).nullable().optional(),
    }),
    output: z.object({ status: z.literal('updated'), agent_id: z.int(), new_status: z.enum(runStatuses) }),
    errors: ['NotFound', 'Conflict'],
  }),
  spawnPostmortem: taskOf('postmortem', 'Set an agent to write the postmortem of a ticket, for people to review'),
  spawnWorkflowBuild: taskOf('workflow', 'Set an agent to write down a workflow for tickets like this one, as a draft'),
};

import { z } from 'zod';
import { agentEnvironments, workStatuses } from '../../../domain/agent-work';
import { ConfigurationSchema } from '../../../domain/agent-work.schema';
import { operation } from '../../operation';
import { Instant, name } from '../shapes';
import { byAgent, Id, listed, pageQuery } from './door';

const tag = 'Agents';
const count = z.int().min(0);
const percent = z.number().min(0).max(100);

const WorkType = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'letters, digits, dots, hyphens and underscores')
  .max(100)
  .describe('What it is asked for, as in data_processor: the steps of a workflow name it');
const Harness = z
  .string()
  .max(100)
  .describe(
    'Who carries its tasks out: remote, a worker that claims them (unless given); embedded, or another one here',
  );
const Configuration = ConfigurationSchema.describe(
  'max_concurrent_tasks (10), timeout of a task in seconds (300), retry_attempts (3); more may be kept in it',
);

const Metrics = z.object({
  tasks_completed: count,
  tasks_failed: count,
  success_rate: percent.nullable().describe('Of those that have ended, in percent; null: none has'),
  avg_response_time: z.number().nullable().describe('Of a task, in ms; null: none has ended'),
});
const Named = z.object({
  id: Id('agent'),
  name: z.string(),
  type: z.string(),
  status: z.enum(workStatuses),
  created_at: Instant,
  updated_at: Instant,
});
const Listed = Named.extend({ metrics: Metrics.omit({ tasks_failed: true }) });

const Agent = Named.extend({
  environment: z.enum(agentEnvironments),
  harness: z.string(),
  configuration: z.looseObject({ max_concurrent_tasks: z.int(), timeout: z.int(), retry_attempts: z.int() }),
  health: z.object({
    status: z.enum(['healthy', 'degraded', 'unhealthy']),
    last_check: Instant.nullable().describe(
      'When it was last heard of: a task that ended, or a sign of life; null: never',
    ),
    uptime: z.number().describe('Seconds since it became active; 0: it is not'),
  }),
  metrics: Metrics.extend({
    memory_usage: percent.nullable().describe('Of the machine that it works on; null: none has reported'),
    cpu_usage: percent.nullable(),
  }),
});

export const workAgents = {
  listWorkAgents: operation({
    route: 'GET /v1/agents',
    tag,
    summary: 'The agents of the tenant, newest first',
    access: 'agents:read',
    query: pageQuery.extend({ status: z.enum(workStatuses).optional(), type: WorkType.optional() }),
    ...listed(Listed),
  }),
  getWorkAgent: operation({
    route: 'GET /v1/agents/:agent_id',
    tag,
    summary: 'One agent, with its configuration, health and figures',
    access: 'agents:read',
    params: byAgent,
    output: Agent,
    errors: ['NotFound'],
  }),
  createWorkAgent: operation({
    route: 'POST /v1/agents',
    tag,
    summary: 'Register an agent; it is active once a worker has taken it up',
    access: 'agents:manage',
    status: 201,
    body: z
      .object({
        name: name(200),
        type: WorkType,
        configuration: Configuration.optional(),
        environment: z.enum(agentEnvironments).optional(),
        harness: Harness.optional(),
      })
      .meta({ example: { name: 'New Processing Agent', type: 'data_processor', configuration: { timeout: 300 } } }),
    output: Agent,
    errors: ['Conflict'],
  }),
  updateWorkAgent: operation({
    route: 'PUT /v1/agents/:agent_id',
    tag,
    summary: 'Change what is given of an agent; its configuration is merged into the one that stands',
    access: 'agents:manage',
    params: byAgent,
    body: z.object({
      name: name(200).optional(),
      configuration: Configuration.optional(),
      status: z.enum(['active', 'inactive']).optional().describe('Also how one in error goes on'),
    }),
    output: Agent,
    errors: ['NotFound', 'Conflict'],
  }),
  deleteWorkAgent: operation({
    route: 'DELETE /v1/agents/:agent_id',
    tag,
    summary: 'Delete an agent: its runs are ended and its keys open nothing; what it did stays',
    access: 'agents:manage',
    params: byAgent,
    whole: true,
    output: z.object({ message: z.literal('Agent deleted successfully'), deleted_at: Instant }),
    errors: ['NotFound'],
  }),
};

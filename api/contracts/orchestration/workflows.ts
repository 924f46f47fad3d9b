import { z } from 'zod';
import { definitionStatuses } from '../../../domain/pipeline-definition';
import { stepStatuses } from '../../../domain/pipeline';
import { taskStatuses, usualPriority } from '../../../domain/task-order';
import { operation } from '../../operation';
import { Instant, name } from '../shapes';
import { Id, listed, pageQuery, prefixed } from './door';
import { jsonObject, Priority } from './tasks';

const tag = 'Workflows';
const byWorkflow = z.object({ workflow_id: prefixed('workflow') });
const mostSteps = 50;

const StepFields = z.object({
  name: name(120),
  agent_type: name(100),
  order: z.int().min(0).max(1_000_000).describe('Steps go by it; those that share one go on together'),
  payload: jsonObject(16_384).optional().describe('Beside the parameters of the execution'),
  retry_attempts: z.int().min(0).max(20).optional().describe('Unset: as the agent is configured'),
  timeout: z
    .int()
    .min(1)
    .max(86_400)
    .optional()
    .describe('Seconds of work of each attempt; unset: as the agent is configured'),
});
const WorkflowShape = z.object({
  id: Id('workflow'),
  name: z.string(),
  description: z.string(),
  status: z.enum(definitionStatuses),
  steps: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      agent_type: z.string(),
      order: z.int(),
      payload: z.record(z.string(), z.unknown()).optional(),
      retry_attempts: z.int().optional(),
      timeout: z.int().optional(),
    }),
  ),
  created_at: Instant,
});
const ExecutionShape = z.object({
  execution_id: Id('execution'),
  workflow_id: Id('workflow'),
  status: z.enum(taskStatuses),
  priority: Priority,
  parameters: z.record(z.string(), z.unknown()),
  created_at: Instant,
  started_at: Instant.nullable(),
  completed_at: Instant.nullable(),
  error: z.string().nullable(),
  task_ids: z.array(Id('task')).describe('As they begin: each step is a task'),
  steps: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      agent_type: z.string(),
      order: z.int(),
      status: z.enum(stepStatuses),
      task_id: Id('task').nullable(),
      attempts: z.int(),
      progress: z.number(),
      result: z.record(z.string(), z.unknown()).nullable(),
      error: z.string().nullable(),
    }),
  ),
});

export const pipelineOperations = {
  listPipelines: operation({
    route: 'GET /v1/workflows',
    tag,
    summary: 'Workflows, newest first: steps in order, each a task of an agent of a type',
    access: 'workflows:read',
    query: pageQuery,
    ...listed(WorkflowShape),
  }),
  createPipeline: operation({
    route: 'POST /v1/workflows',
    tag,
    summary: 'Write a workflow down',
    access: 'workflows:write',
    body: z
      .object({
        name: name(200),
        description: z.string().max(2_000).default(''),
        steps: z.array(StepFields).min(1).max(mostSteps),
      })
      .meta({
        example: { name: 'Data Pipeline', steps: [{ name: 'Extract', agent_type: 'data_extractor', order: 1 }] },
      }),
    output: WorkflowShape,
    status: 201,
  }),
  getPipeline: operation({
    route: 'GET /v1/workflows/:workflow_id',
    tag,
    summary: 'One workflow',
    access: 'workflows:read',
    params: byWorkflow,
    output: WorkflowShape,
    errors: ['NotFound'],
  }),
  executePipeline: operation({
    route: 'POST /v1/workflows/:workflow_id/execute',
    tag,
    summary: 'Carry a workflow out: it goes on by itself, and its execution tells how far it is',
    access: 'agents:spawn',
    params: byWorkflow,
    body: z.object({ parameters: jsonObject(65_536).default({}), priority: Priority.default(usualPriority) }),
    output: ExecutionShape,
    status: 202,
    errors: ['NotFound', 'Conflict'],
  }),
  getPipelineExecution: operation({
    route: 'GET /v1/workflows/:workflow_id/executions/:execution_id',
    tag,
    summary: 'How far an execution is, step by step',
    access: 'workflows:read',
    params: byWorkflow.extend({ execution_id: prefixed('execution') }),
    output: ExecutionShape,
    errors: ['NotFound'],
  }),
};

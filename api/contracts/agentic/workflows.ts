import { z } from 'zod';
import { blueprintStatuses } from '../../../domain/learning';
import { pipelineStatuses, stepStatuses } from '../../../domain/pipeline';
import { operation } from '../../operation';
import { byId, flag, Instant, intId, name, page, prose } from '../shapes';
import { text } from './texts';

const Step = z.object({
  name: name(300),
  prompt: z.string().max(20_000).optional().describe('What is to be done; its name unless given'),
  order: z.int().min(1).max(1_000).optional().describe('Its place unless given; steps that share one go on together'),
  agent: name(100).nullish().describe('Name of the agent that carries it out; the analyst unless given'),
  retries: z.int().min(0).max(10).optional().describe('Tries after a failure; 0 unless given'),
  timeout_seconds: z.number().min(1).max(2_592_000).nullish().describe('Of one try; as long as it takes unless given'),
});
const PlannedStep = z.object({
  name: z.string(),
  prompt: z.string(),
  order: z.int(),
  agent: z.string().nullable(),
  retries: z.int(),
  timeout_seconds: z.number().nullable(),
});
const RunShape = z.object({
  id: z.int(),
  workflow_id: z.int(),
  workflow_version: z.int().nullable(),
  ticket_id: z.int().nullable(),
  agent_id: z.int().nullable().describe('The agent that reports it; null where its steps are runs'),
  task_id: z.int().nullable(),
  status: z.enum(pipelineStatuses),
  steps: z.array(
    z.object({
      name: z.string(),
      order: z.int(),
      status: z.enum(stepStatuses),
      attempts: z.int(),
      agent_ids: z.array(z.int()).describe('The agents that carried it out, one a try'),
      result: z.string().nullable(),
      error: z.string().nullable(),
    }),
  ),
  result: z.string().nullable(),
  error: z.string().nullable(),
  created_by: z.string(),
  created_at: Instant,
  started_at: Instant.nullable(),
  finished_at: Instant.nullable(),
});

export const WorkflowShape = z.object({
  id: z.int(),
  name: z.string(),
  workflow_key: z.string().describe('What it is known by; the name is a label'),
  version: z.int(),
  status: z.enum(blueprintStatuses),
  review_state: z.string(),
  description: z.string(),
  ticket_class: z.string().nullable(),
  trigger_type: z.string(),
  blueprint: z.string(),
  test_plan: z.string(),
  test_results: z.string(),
  steps: z.array(PlannedStep).describe('As they were given, else as the text of the blueprint numbers them'),
  approval_policy: z.looseObject({ workflow_key: z.string() }),
  skill_ids: z.array(z.int()),
  created_by: z.string(),
  reviewed_by: z.string().nullable(),
  reviewed_at: Instant.nullable(),
  review_notes: z.string().nullable(),
  created_at: Instant,
  updated_at: Instant,
});

const Counted = WorkflowShape.extend({
  run_count: z.int(),
  completed_run_count: z.int(),
  failed_run_count: z.int(),
  latest_run_at: Instant.nullable(),
});

const workflowFilter = page.extend({
  status: z.enum(blueprintStatuses).optional(),
  ticket_class: name(100).optional(),
});

const Test = z.object({ name: name(300), passed: flag, note: z.string().max(5_000).optional() });
const content = {
  name: name(300).optional().describe('A label'),
  description: text.optional(),
  ticket_class: name(100).nullish(),
  trigger_type: name(100).optional().describe('`ticket` unless given'),
  test_plan: text.optional(),
  test_results: z
    .union([z.array(Test).max(200), text])
    .optional()
    .describe('As a list they decide: all passed is tested, one that failed needs_revision'),
  approval_policy: z.looseObject({ workflow_key: name(300).optional() }).optional(),
  workflow_key: name(300)
    .optional()
    .describe('`<class>:<family>`; derived from the texts unless given here or in approval_policy'),
  status: z
    .enum(blueprintStatuses)
    .optional()
    .describe('`draft` unless given. `active` becomes `ready_for_review`: people activate, by a review'),
  skill_ids: z.array(intId).max(200).optional(),
  steps: z.array(Step).max(50).optional().describe('Replaces those that were given; none: as the text numbers them'),
};
const saved = { id: z.int(), workflow_key: z.string(), version: z.int(), workflow_status: z.enum(blueprintStatuses) };

export const workflows = {
  listWorkflows: operation({
    route: 'GET /api/workflows',
    tag: 'Workflows',
    summary: 'List learned workflows, newest first',
    access: 'workflows:read',
    query: workflowFilter,
    output: z.object({ workflows: z.array(Counted), total: z.int() }),
  }),
  getWorkflow: operation({
    route: 'GET /api/workflows/:id',
    tag: 'Workflows',
    summary: 'One learned workflow',
    access: 'workflows:read',
    params: byId('id'),
    output: WorkflowShape.extend({ runs: z.array(RunShape).describe('The latest 25') }),
  }),
  createWorkflow: operation({
    route: 'POST /api/workflows',
    tag: 'Workflows',
    summary: 'Write a workflow: a new one, or the next version of the one that lives under its key',
    access: 'workflows:write',
    body: z.object({
      blueprint: text.pipe(z.string().trim().min(1)),
      ...content,
      created_by: name(100).optional().describe('A label'),
    }),
    output: z.object({ ...saved, status: z.literal('saved'), action: z.enum(['created', 'updated']) }),
    errors: ['NotFound', 'Conflict'],
  }),
  updateWorkflow: operation({
    route: 'PUT /api/workflows/:id',
    tag: 'Workflows',
    summary: 'Change a workflow: its next version, its tests, or its key',
    access: 'workflows:write',
    params: byId('id'),
    body: z.object({ blueprint: text.pipe(z.string().trim().min(1)).optional(), ...content }),
    output: z.object({ ...saved, status: z.literal('updated') }),
    errors: ['NotFound', 'Conflict'],
  }),
  reviewWorkflow: operation({
    route: 'POST /api/workflows/:id/review',
    tag: 'Workflows',
    summary: 'Activate a workflow, in place of the one that was active under its key, or send it back',
    access: 'workflows:write',
    params: byId('id'),
    body: z.object({
      approved: flag,
      version: z.int().optional().describe('The version that was read: 409 when another stands'),
      reviewed_by: name(100).optional().describe('A label'),
      review_notes: text.optional(),
    }),
    output: z.object({
      id: z.int(),
      status: z.enum(['active', 'needs_revision']),
      superseded_workflow_ids: z.array(z.int()),
    }),
    errors: ['NotFound', 'Conflict', 'Forbidden'],
  }),
  runWorkflow: operation({
    route: 'POST /api/workflows/:id/runs',
    tag: 'Workflows',
    summary:
      'Run a workflow that is tested, or active and reviewed: its steps become runs, unless an agent carries it out and reports',
    access: 'workflows:write',
    params: byId('id'),
    body: z.object({
      ticket_id: intId.optional().describe('What it works on; a ticket of its own unless given'),
      agent_id: intId.optional().describe('This agent carries it out, and somebody completes it'),
      task_id: intId.optional(),
      status: z
        .enum(['queued', 'running'])
        .optional()
        .describe('`running`: it is being carried out elsewhere, and somebody completes it'),
    }),
    output: z.object({ id: z.int(), status: z.literal('created') }),
    errors: ['NotFound', 'Conflict'],
  }),
  completeWorkflowRun: operation({
    route: 'POST /api/workflows/runs/:run_id/complete',
    tag: 'Workflows',
    summary: 'End a run: completed, failed, or cancelled, which stops the agents of its steps',
    access: 'workflows:write',
    params: byId('run_id'),
    body: z.object({
      result: z.union([prose, z.record(z.string(), z.unknown())]).optional(),
      status: z.enum(['completed', 'failed', 'cancelled']).default('completed'),
    }),
    output: z.object({ id: z.int(), status: z.enum(['completed', 'failed', 'cancelled']) }),
    errors: ['NotFound', 'Conflict'],
  }),
};

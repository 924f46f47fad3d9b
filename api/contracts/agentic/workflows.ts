import { z } from 'zod';
import { blueprintStatuses } from '../../../domain/learning';
import { operation } from '../../operation';
import { byId, flag, Instant, intId, name, page } from '../shapes';
import { text } from './texts';

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
  approval_policy: z.looseObject({ workflow_key: z.string() }),
  skill_ids: z.array(z.int()),
  created_by: z.string(),
  reviewed_by: z.string().nullable(),
  reviewed_at: Instant.nullable(),
  review_notes: z.string().nullable(),
  created_at: Instant,
  updated_at: Instant,
});

/** No workflow has run yet: runs come with their own operations. */
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
    output: WorkflowShape.extend({ runs: z.array(z.looseObject({ id: z.int() })) }),
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
};

import { z } from 'zod';
import { blueprintStatuses } from '../../../domain/learning';
import { operation } from '../../operation';
import { byId, Instant, name, page } from '../shapes';

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
};

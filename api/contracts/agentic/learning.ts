import { z } from 'zod';
import { blueprintStatuses } from '../../../domain/learning';
import { operation } from '../../operation';
import { byId, flag, Instant, intId, name, page } from '../shapes';

export const ArticleShape = z.object({
  id: z.int(),
  title: z.string(),
  body: z.string(),
  category: z.string().nullable(),
  source: z.string(),
  external_ref: z.string().nullable(),
  tags: z.array(z.string()),
  enabled: z.boolean(),
  created_at: Instant,
  updated_at: Instant,
});

export const SkillShape = z.object({
  id: z.int(),
  name: z.string(),
  description: z.string(),
  category: z.string(),
  prompt_template: z.string(),
  enabled: z.boolean(),
  assigned_to_all: z.boolean(),
  created_at: Instant,
  updated_at: Instant,
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
const enabledOnly = flag.default(true);

export const learning = {
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
  listKnowledge: operation({
    route: 'GET /api/knowledge',
    tag: 'Knowledge',
    summary: 'List knowledge articles, newest first',
    access: 'knowledge:read',
    query: page.extend({ q: name(200).optional(), category: name(100).optional(), enabled_only: enabledOnly }),
    output: z.object({ articles: z.array(ArticleShape), total: z.int() }),
  }),
  getKnowledge: operation({
    route: 'GET /api/knowledge/:id',
    tag: 'Knowledge',
    summary: 'One knowledge article',
    access: 'knowledge:read',
    params: byId('id'),
    output: ArticleShape,
  }),
  listSkills: operation({
    route: 'GET /api/skills',
    tag: 'Skills',
    summary: 'List skills',
    access: 'skills:read',
    query: z.object({ category: name(100).optional(), enabled_only: enabledOnly }),
    output: z.object({ skills: z.array(SkillShape), total: z.int() }),
  }),
  getSkill: operation({
    route: 'GET /api/skills/:id',
    tag: 'Skills',
    summary: 'One skill',
    access: 'skills:read',
    params: byId('id'),
    output: SkillShape,
  }),
  listAgentSkills: operation({
    route: 'GET /api/skills/agent/:agent_id',
    tag: 'Skills',
    summary: 'The skills that an agent has: those of all agents',
    access: 'skills:read',
    params: z.object({ agent_id: intId }),
    output: z.object({ skills: z.array(SkillShape), total: z.int() }),
  }),
};

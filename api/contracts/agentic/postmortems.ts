import { z } from 'zod';
import { evidenceLimits, type EvidenceLimit } from '../../../domain/evidence';
import { postmortemStatuses } from '../../../domain/learning';
import { operation } from '../../operation';
import { byId, flag, Instant, intId, name, page, prose, whole } from '../shapes';
import { ArticleShape } from './knowledge';
import { SkillShape } from './skills';
import { text } from './texts';
import { WorkflowShape } from './workflows';

const tag = 'Postmortems';

const list = z
  .union([z.array(z.unknown()), z.string(), z.record(z.string(), z.unknown())])
  .transform((value) => (Array.isArray(value) ? value : [value]))
  .pipe(z.array(z.unknown()).max(100));

const content = {
  status: z
    .enum(['draft', 'ready_for_review'])
    .optional()
    .describe('What comes after is decided by review and promotion'),
  summary: text.optional(),
  went_well: text.optional(),
  improvements: text.optional(),
  workflow_proposal: text.optional(),
  documentation: text.optional(),
  skill_proposals: list.optional(),
  test_cases: list.optional(),
  guardrails: list.optional(),
};

export const PostmortemShape = z.object({
  id: z.int(),
  ticket_id: z.int().nullable(),
  ticket_title: z.string().nullable(),
  agent_id: z.int().nullable(),
  agent_model: z.string().nullable(),
  task_id: z.int().nullable(),
  status: z.enum(postmortemStatuses),
  summary: z.string(),
  went_well: z.string(),
  improvements: z.string(),
  workflow_proposal: z.string(),
  documentation: z.string(),
  skill_proposals: z.array(z.unknown()),
  test_cases: z.array(z.unknown()),
  guardrails: z.array(z.unknown()),
  synthesis: z
    .object({
      state: z.enum(['pending', 'done']),
      by: z.enum(['rules', 'model']),
      model: z.string().nullable(),
      note: z.string().nullable().describe('Why it is the rules’ after all, or what of the model’s was left out'),
    })
    .nullable()
    .describe('Who derived it from the records; null: somebody wrote it'),
  review_notes: z.string().nullable(),
  created_by: z.string(),
  reviewed_by: z.string().nullable().describe('The principal who reviewed it'),
  reviewed_at: Instant.nullable(),
  created_at: Instant,
  updated_at: Instant,
});

const most = whole(0, 10_000).optional();
const limits = Object.fromEntries(
  Object.entries(evidenceLimits).map(([limit, { usual, most: bound }]) => [
    limit,
    most.describe(`${usual} unless given, ${bound} at most`),
  ]),
) as Record<EvidenceLimit, typeof most>;
const traces = z.array(z.looseObject({ id: z.int() }));

const PromotionChange = z.object({
  asset: z.enum(['knowledge_article', 'skill', 'workflow', 'postmortem']),
  action: z.enum(['created', 'updated', 'unchanged']),
  id: z.int().nullable().describe('Null: it would be new'),
  name: z.string(),
  version: z.int().nullable().describe('That it would have then'),
  adds: z.record(z.string(), z.string()).describe('Texts that it would be given or gain, by field'),
});

export const postmortems = {
  listPostmortems: operation({
    route: 'GET /api/postmortems',
    tag,
    summary: 'List postmortems, newest first',
    access: 'postmortems:read',
    query: page.extend({ status: z.enum(postmortemStatuses).optional(), ticket_id: intId.optional() }),
    output: z.object({ postmortems: z.array(PostmortemShape), total: z.int() }),
  }),
  getEvidence: operation({
    route: 'GET /api/postmortems/evidence/:ticket_id',
    tag,
    summary: 'What is on record about the work on a ticket, cut to what fits into a prompt',
    access: 'postmortems:read',
    params: byId('ticket_id'),
    query: z.object(limits),
    output: z.object({
      ticket: z.looseObject({ id: z.int(), title: z.string(), status: z.string() }),
      notes: traces,
      attachments: traces,
      change_requests: traces,
      agent_tasks: traces,
      cicd_runs: traces,
      postmortems: traces,
      workflows: traces,
      knowledge_articles: traces,
      audit: traces,
      evidence_terms: z.array(z.string()),
      guidance: z.looseObject({ cite: z.string() }),
    }),
  }),
  getPostmortem: operation({
    route: 'GET /api/postmortems/:id',
    tag,
    summary: 'One postmortem, with what its promotion made',
    access: 'postmortems:read',
    params: byId('id'),
    output: PostmortemShape.extend({
      promotion_assets: z.object({
        knowledge_articles: z.array(ArticleShape),
        skills: z.array(SkillShape),
        workflow_key: z.string().nullable(),
        workflow: WorkflowShape.nullable(),
      }),
    }),
  }),
  synthesizePostmortem: operation({
    route: 'POST /api/postmortems/synthesize/:ticket_id',
    tag,
    summary: 'Derive a postmortem from the records of a ticket, for review; one that stands already is answered',
    access: 'postmortems:write',
    params: byId('ticket_id'),
    body: z.object({
      agent_id: intId.optional(),
      task_id: intId.optional(),
      created_by: name(100).optional(),
      reason: prose.optional(),
    }),
    output: z.object({
      status: z
        .enum(['draft', 'ready_for_review', 'exists'])
        .describe('draft: a model is still at it; it becomes ready_for_review by itself'),
      postmortem_id: z.int(),
    }),
    errors: ['NotFound'],
  }),
  createPostmortem: operation({
    route: 'POST /api/postmortems',
    tag,
    summary: 'Write a postmortem',
    access: 'postmortems:write',
    body: z.object({
      ticket_id: intId.optional(),
      agent_id: intId.optional(),
      task_id: intId.optional(),
      created_by: name(100).optional(),
      ...content,
    }),
    output: z.object({ id: z.int(), status: z.literal('created') }),
    errors: ['NotFound'],
  }),
  updatePostmortem: operation({
    route: 'PUT /api/postmortems/:id',
    tag,
    summary: 'Change the text; what was approved has to be reviewed again then',
    access: 'postmortems:write',
    params: byId('id'),
    body: z.object({ ...content, review_notes: text.optional() }),
    output: z.object({ status: z.literal('updated'), id: z.int() }),
    errors: ['NotFound', 'Conflict'],
  }),
  reviewPostmortem: operation({
    route: 'POST /api/postmortems/:id/review',
    tag,
    summary: 'Approve a postmortem, or send it back; who reviews is the authenticated principal, and no agent',
    access: 'postmortems:write',
    params: byId('id'),
    body: z.object({
      approved: flag,
      reviewed_by: name(100).optional().describe('A label'),
      review_notes: text.optional(),
    }),
    output: z.object({ id: z.int(), status: z.enum(['approved', 'needs_revision']) }),
    errors: ['NotFound', 'Conflict', 'Forbidden'],
  }),
  promotePostmortem: operation({
    route: 'POST /api/postmortems/:id/promote',
    tag,
    summary:
      'Make an article, a draft workflow and candidate skills of an approved postmortem; a repeat answers the same ones',
    access: 'postmortems:write',
    params: byId('id'),
    body: z.object({
      create_knowledge: flag.default(true),
      create_workflow: flag.default(true),
      create_skills: flag.default(true),
      mark_promoted: flag.default(true),
      workflow_status: z.literal('draft').default('draft').describe('People activate a workflow, promotions never do'),
      created_by: name(100).optional().describe('A label'),
      dry_run: flag.default(false).describe('Answer what it would change, and write nothing'),
    }),
    output: z.object({
      status: z.enum(['promoted', 'preview']),
      postmortem_id: z.int(),
      ticket_id: z.int().nullable(),
      knowledge_article_id: z.int().nullable(),
      knowledge_action: z.enum(['created', 'updated', 'skipped', 'unchanged']),
      workflow_id: z.int().nullable(),
      workflow_action: z.enum(['created', 'updated', 'skipped', 'unchanged']),
      workflow_key: z.string().nullable(),
      skill_ids: z.array(z.int()),
      skill_actions: z.array(
        z.object({ id: z.int().nullable(), name: z.string(), action: z.enum(['created', 'updated', 'unchanged']) }),
      ),
      changes: z.array(PromotionChange).optional().describe('Of a dry run: everything that would be made or changed'),
    }),
    errors: ['NotFound', 'Conflict', 'Forbidden'],
  }),
};

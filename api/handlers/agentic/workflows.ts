import { blueprints } from '../../../db/learning';
import { listBlueprints } from '../../../db/learning-queries';
import type { Blueprint } from '../../../domain/learning';
import type { workflows } from '../../contracts/agentic/workflows';
import type { Handlers } from '../../kernel';
import { workflowView } from './learning-views';
import { assertPerson } from './seen';
import { none, review, update, write } from './workflow-writes';

const noRuns = { run_count: 0, completed_run_count: 0, failed_run_count: 0, latest_run_at: null };

const saved = ({ number, workflowKey, version, status }: Blueprint) => ({
  id: number,
  workflow_key: workflowKey,
  version,
  workflow_status: status,
});

export const workflowHandlers: Handlers<typeof workflows> = {
  listWorkflows: async ({ query }, ctx) => {
    const filter = { status: query.status ?? null, ticketClass: query.ticket_class ?? null };
    const { workflows: found, total } = await ctx.read((tx) => listBlueprints(tx, filter, query.limit, query.offset));
    return { workflows: found.map((w) => ({ ...workflowView(w), ...noRuns })), total };
  },
  getWorkflow: async ({ params }, ctx) => {
    const workflow = await ctx.read((tx) => blueprints.byNumber(tx, params.id));
    if (!workflow) throw none(params.id);
    return { ...workflowView(workflow), runs: [] };
  },

  createWorkflow: ({ body }, ctx) =>
    ctx.write(async (tx) => {
      const { created_by: label, ...content } = body;
      const { workflow, action } = await write(ctx, tx, content, label ?? null);
      return { ...saved(workflow), status: 'saved' as const, action };
    }),
  updateWorkflow: ({ params, body }, ctx) =>
    ctx.write(async (tx) => ({
      ...saved(await update(ctx, tx, params.id, body)),
      status: 'updated' as const,
    })),
  reviewWorkflow: async ({ params, body }, ctx) => {
    assertPerson(ctx, 'a workflow is reviewed by people');
    return ctx.write(async (tx) => {
      const { status, superseded } = await review(ctx, tx, params.id, {
        approved: body.approved,
        notes: body.review_notes ?? null,
        label: body.reviewed_by ?? null,
      });
      return { id: params.id, status, superseded_workflow_ids: superseded };
    });
  },
};

import { blueprints } from '../../../db/learning';
import { listBlueprints } from '../../../db/learning-queries';
import { pipelines, runCounts, runsOfBlueprint } from '../../../db/pipelines';
import { NotFound } from '../../../domain/errors';
import type { Blueprint } from '../../../domain/learning';
import type { workflows } from '../../contracts/agentic/workflows';
import type { Handlers } from '../../kernel';
import { workflowRunView, workflowView } from './learning-views';
import { assertPerson, hidden } from './seen';
import { endRun, startRun } from './workflow-runs';
import { none, review, update, write } from './workflow-writes';

const mostRuns = 25;

const saved = ({ number, workflowKey, version, status }: Blueprint) => ({
  id: number,
  workflow_key: workflowKey,
  version,
  workflow_status: status,
});

export const workflowHandlers: Handlers<typeof workflows> = {
  listWorkflows: async ({ query }, ctx) => {
    const filter = { status: query.status ?? null, ticketClass: query.ticket_class ?? null };
    return ctx.read(async (tx) => {
      const { workflows: found, total } = await listBlueprints(tx, filter, query.limit, query.offset);
      const counts = await runCounts(tx, found.map((w) => w.id)); // prettier-ignore
      return { workflows: found.map((w) => ({ ...workflowView(w), ...counts(w.id) })), total };
    });
  },
  getWorkflow: ({ params }, ctx) =>
    ctx.read(async (tx) => {
      const workflow = await blueprints.byNumber(tx, params.id);
      if (!workflow) throw none(params.id);
      const runs = await runsOfBlueprint(tx, workflow.id, ctx.principal.ticketId, mostRuns);
      return { ...workflowView(workflow), runs: runs.map((r) => workflowRunView(r, workflow.number)) };
    }),

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
        version: body.version ?? null,
        notes: body.review_notes ?? null,
        label: body.reviewed_by ?? null,
      });
      return { id: params.id, status, superseded_workflow_ids: superseded };
    });
  },

  runWorkflow: async ({ params, body }, ctx) => {
    const run = await startRun(ctx, params.id, body);
    return { id: run.number, status: 'created' as const };
  },
  completeWorkflowRun: async ({ params, body }, ctx) => {
    const run = await ctx.read((tx) => pipelines.byNumber(tx, params.run_id));
    if (run?.blueprintId == null || hidden(ctx, run.ticketId)) throw new NotFound(`no workflow run ${params.run_id}`);
    const told = typeof body.result === 'string' ? body.result : body.result && JSON.stringify(body.result);
    const text = told ?? `${body.status} by ${ctx.actor.name}`;
    await endRun(ctx, run, { status: body.status, text, by: ctx.actor });
    return { id: run.number, status: body.status };
  },
};

import { blueprints } from '../../../db/learning';
import { listBlueprints } from '../../../db/learning-queries';
import { NotFound } from '../../../domain/errors';
import type { workflows } from '../../contracts/agentic/workflows';
import type { Handlers } from '../../kernel';
import { workflowView } from './learning-views';

const noRuns = { run_count: 0, completed_run_count: 0, failed_run_count: 0, latest_run_at: null };

export const workflowHandlers: Handlers<typeof workflows> = {
  listWorkflows: async ({ query }, ctx) => {
    const filter = { status: query.status ?? null, ticketClass: query.ticket_class ?? null };
    const { workflows: found, total } = await ctx.read((tx) => listBlueprints(tx, filter, query.limit, query.offset));
    return { workflows: found.map((w) => ({ ...workflowView(w), ...noRuns })), total };
  },
  getWorkflow: async ({ params }, ctx) => {
    const workflow = await ctx.read((tx) => blueprints.byNumber(tx, params.id));
    if (!workflow) throw new NotFound(`no workflow ${params.id}`);
    return { ...workflowView(workflow), runs: [] };
  },
};

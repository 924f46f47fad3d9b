import { articles, blueprints, skills } from '../../../db/learning';
import { listArticles, listBlueprints, listSkills } from '../../../db/learning-queries';
import type { Read } from '../../../db/tx';
import { NotFound } from '../../../domain/errors';
import type { learning } from '../../contracts/agentic/learning';
import type { Ctx, Handlers } from '../../kernel';
import { articleView, skillView, workflowView } from './learning-views';
import { seenRun } from './seen';

/** @throws NotFound */
async function byNumber<T>(
  ctx: Ctx,
  table: { byNumber(tx: Read, n: number): Promise<T | null> },
  noun: string,
  number: number,
): Promise<T> {
  const found = await ctx.read((tx) => table.byNumber(tx, number));
  if (!found) throw new NotFound(`no ${noun} ${number}`);
  return found;
}

const noRuns = { run_count: 0, completed_run_count: 0, failed_run_count: 0, latest_run_at: null };

export const learningHandlers: Handlers<typeof learning> = {
  listWorkflows: async ({ query }, ctx) => {
    const filter = { status: query.status ?? null, ticketClass: query.ticket_class ?? null };
    const { workflows, total } = await ctx.read((tx) => listBlueprints(tx, filter, query.limit, query.offset));
    return { workflows: workflows.map((w) => ({ ...workflowView(w), ...noRuns })), total };
  },
  getWorkflow: async ({ params }, ctx) => {
    const workflow = await byNumber(ctx, blueprints, 'workflow', params.id);
    return { ...workflowView(workflow), runs: [] };
  },

  listKnowledge: async ({ query }, ctx) => {
    const filter = { text: query.q ?? null, category: query.category ?? null, enabledOnly: query.enabled_only };
    const { articles: found, total } = await ctx.read((tx) => listArticles(tx, filter, query.limit, query.offset));
    return { articles: found.map(articleView), total };
  },
  getKnowledge: async ({ params }, ctx) => articleView(await byNumber(ctx, articles, 'knowledge article', params.id)),

  listSkills: async ({ query }, ctx) => {
    const filter = { category: query.category ?? null, enabledOnly: query.enabled_only, forAllOnly: false };
    const found = await ctx.read((tx) => listSkills(tx, filter));
    return { skills: found.map(skillView), total: found.length };
  },
  getSkill: async ({ params }, ctx) => skillView(await byNumber(ctx, skills, 'skill', params.id)),

  listAgentSkills: async ({ params }, ctx) => {
    const found = await ctx.read(async (tx) => {
      await seenRun(ctx, tx, params.agent_id);
      return listSkills(tx, { category: null, enabledOnly: true, forAllOnly: true });
    });
    return { skills: found.map(skillView), total: found.length };
  },
};

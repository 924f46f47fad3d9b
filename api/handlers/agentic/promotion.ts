import { articles, blueprints, skills } from '../../../db/learning';
import { blueprintByKey, type PostmortemView } from '../../../db/learning-queries';
import { outcomeOf, promotionParts, type PartRow } from '../../../db/promotions';
import { assignedTo } from '../../../db/skills';
import type { Read } from '../../../db/tx';
import { Conflict } from '../../../domain/errors';
import { assertPromotable } from '../../../domain/learning';
import type { PartName } from '../../../domain/promotion';
import { statedKey, workflowKey } from '../../../domain/workflow-key';
import type { PromotionRequest } from '../../../pipeline/learning/promotion/part';
import { preview } from '../../../pipeline/learning/promotion/preview';
import { postmortemPromotion, promoted } from '../../../workflows/postmortem-promotion';
import type { Ctx } from '../../kernel';
import { Gone } from '../../temporal';
import { articleView, skillView, workflowView } from './learning-views';

/** The key that a promotion recorded, else the one that the text states or tells. */
function keyOf(p: PostmortemView, parts: readonly PartRow[]): string {
  const recorded = outcomeOf(parts, 'blueprint')?.workflowKey ?? outcomeOf(parts, 'article')?.workflowKey;
  const texts = [p.ticketTitle ?? '', p.summary, p.improvements, p.workflowProposal];
  return recorded ?? workflowKey({ explicit: statedKey(p.workflowProposal), ticketClass: p.ticketClass, texts });
}

const all = async <T>(ids: readonly string[], find: (id: string) => Promise<T | null>): Promise<T[]> => {
  const found: T[] = [];
  for (const id of ids) {
    const one = await find(id);
    if (one) found.push(one);
  }
  return found;
};

/** What its promotion made, as it stands now; a workflow that nothing recorded is found by its key. */
export async function assetsOf(tx: Read, p: PostmortemView) {
  const parts = await promotionParts(tx, p.id);
  const article = outcomeOf(parts, 'article');
  const blueprint = outcomeOf(parts, 'blueprint');
  const made = outcomeOf(parts, 'skills')?.skills ?? [];
  const key = keyOf(p, parts);
  const standing = (await all(made.map((s) => s.id), (id) => skills.byId(tx, id))).filter((s) => s.deletedAt === null); // prettier-ignore
  const agents = await assignedTo(tx, standing.map((s) => s.id)); // prettier-ignore
  const workflow = blueprint ? await blueprints.byId(tx, blueprint.id) : await blueprintByKey(tx, key);
  return {
    knowledge_articles: (await all(article ? [article.id] : [], (id) => articles.byId(tx, id))).map(articleView),
    skills: standing.map((s) => skillView(s, agents.get(s.id) ?? [])),
    workflow_key: key,
    workflow: workflow && workflowView(workflow),
  };
}

interface Wanted {
  create_knowledge: boolean;
  create_workflow: boolean;
  create_skills: boolean;
  mark_promoted: boolean;
  workflow_status: 'draft';
  dry_run: boolean;
}

const requestOf = (ctx: Ctx, p: PostmortemView, wanted: Wanted): PromotionRequest => ({
  tenantId: ctx.tenantId,
  postmortemId: p.id,
  by: ctx.actor,
  createKnowledge: wanted.create_knowledge,
  createWorkflow: wanted.create_workflow,
  createSkills: wanted.create_skills,
  workflowStatus: wanted.workflow_status,
  markPromoted: wanted.mark_promoted,
});

/** What a promotion would change, in the form of its answer. Ids are of what stands already. */
async function previewOf(ctx: Ctx, p: PostmortemView, wanted: Wanted) {
  const parts: PartName[] = [
    ...(wanted.create_knowledge ? (['article'] as const) : []),
    ...(wanted.create_skills ? (['skills'] as const) : []),
    ...(wanted.create_workflow ? (['blueprint'] as const) : []),
    'close',
  ];
  const { changes, workflowKey: key } = await preview((work) => ctx.write(work), requestOf(ctx, p, wanted), parts);
  const of = (asset: (typeof changes)[number]['asset']) => changes.filter((c) => c.asset === asset);
  const [[article], [workflow], skilled] = [of('knowledge_article'), of('workflow'), of('skill')];
  return {
    status: 'preview' as const,
    postmortem_id: p.number,
    ticket_id: p.ticketNumber,
    knowledge_article_id: article?.id ?? null,
    knowledge_action: article?.action ?? ('skipped' as const),
    workflow_id: workflow?.id ?? null,
    workflow_action: workflow?.action ?? ('skipped' as const),
    workflow_key: key,
    skill_ids: skilled.flatMap((s) => s.id ?? []),
    skill_actions: skilled.map(({ id, name, action }) => ({ id, name, action })),
    changes,
  };
}

/**
 * Each call is a promotion of its own; parts that an earlier one made are found, not made again. @throws Conflict unless
 * the postmortem is approved or promoted
 */
export async function promote(ctx: Ctx, p: PostmortemView, wanted: Wanted) {
  assertPromotable(p.status);
  if (wanted.dry_run) return previewOf(ctx, p, wanted);
  const ref = { kind: 'postmortemPromotion' as const, tenantId: ctx.tenantId, id: ctx.newId() };
  const ended = await ctx.kernel.temporal
    .open(postmortemPromotion, promoted, {
      ref,
      args: [requestOf(ctx, p, wanted)],
      summary: `Promote postmortem ${p.number}`,
      status: 'running',
      ticketId: p.ticketId,
      agentId: null,
    })
    .then(
      () => false,
      (e: unknown) => {
        if (e instanceof Gone) return true; // a repeat of a promotion that is over: its parts say how
        throw e;
      },
    );
  const parts = await ctx.read((tx) => promotionParts(tx, p.id));
  if (ended && !outcomeOf(parts, 'close'))
    throw new Conflict('that promotion was taken back: promote again', { status: p.status });
  const article = outcomeOf(parts, 'article');
  const blueprint = outcomeOf(parts, 'blueprint');
  const made = outcomeOf(parts, 'skills')?.skills ?? [];
  return {
    status: 'promoted' as const,
    postmortem_id: p.number,
    ticket_id: p.ticketNumber,
    knowledge_article_id: article?.number ?? null,
    knowledge_action: article?.action ?? ('skipped' as const),
    workflow_id: blueprint?.number ?? null,
    workflow_action: blueprint?.action ?? ('skipped' as const),
    workflow_key: blueprint?.workflowKey ?? article?.workflowKey ?? null,
    skill_ids: made.map((s) => s.number),
    skill_actions: made.map(({ number, name, action }) => ({ id: number, name, action })),
  };
}

import { activityInfo } from '@temporalio/activity';
import { postmortems } from '../../db/learning';
import { deletePart, insertPart, outcomeOf, promotionParts } from '../../db/promotions';
import { tickets } from '../../db/tickets';
import type { Write } from '../../db/tx';
import { NotFound } from '../../domain/errors';
import { assertPromotable, type Postmortem } from '../../domain/learning';
import type { PartName, PartOutcome } from '../../domain/promotion';
import type { Ticket } from '../../domain/ticket';
import { statedKey, workflowKey } from '../../domain/workflow-key';
import type { Deps } from '../deps';
import { articlePart } from './article';
import { blueprintPart } from './blueprint';
import { closePart } from './close';
import { lock, type Lesson, type Part, type PromotionRequest } from './part';
import { skillsPart } from './skills';
import { inWords } from './text';

export type { PromotionRequest } from './part';
export type { PartName, PartOutcome } from '../../domain/promotion';

const makers: Record<PartName, Part> = {
  article: articlePart,
  skills: skillsPart,
  blueprint: blueprintPart,
  close: closePart,
};

/** The promotion that asks is the execution that calls: what it made, only it may take back. */
function thisPromotion(): string {
  const { workflowExecution } = activityInfo();
  if (!workflowExecution) throw new Error('a promotion is made by its workflow');
  return `${workflowExecution.workflowId}/${workflowExecution.runId}`;
}

/** The key that the proposal states; else the one that ticket and lesson tell. */
const keyOf = (p: Postmortem, ticket: Ticket | null): string =>
  workflowKey({
    explicit: statedKey(p.workflowProposal),
    ticketClass: ticket?.ticketClass ?? null,
    texts: [
      ticket?.title ?? '', p.summary, p.improvements, p.workflowProposal,
      ...p.guardrails.map(inWords), ...p.testCases.map(inWords),
    ], // prettier-ignore
  });

/** Locks the postmortem: whoever makes or takes back parts of it does so one after the other. */
async function learn(tx: Write, request: PromotionRequest): Promise<Lesson> {
  await lock(tx, 'postmortems', request.postmortemId);
  const postmortem = await postmortems.byId(tx, request.postmortemId);
  if (!postmortem) throw new NotFound(`no postmortem ${request.postmortemId}`);
  const ticket = postmortem.ticketId === null ? null : await tickets.byId(tx, postmortem.ticketId);
  const parts = await promotionParts(tx, postmortem.id);
  // Article and blueprint of one postmortem have one key, even when somebody edits it between the two.
  const taken = outcomeOf(parts, 'article')?.workflowKey ?? outcomeOf(parts, 'blueprint')?.workflowKey;
  return { request, postmortem, ticket, parts, workflowKey: taken ?? keyOf(postmortem, ticket) };
}

export const learningActivities = ({ store }: Pick<Deps, 'store'>) => ({
  /** One part in one transaction; a part that is there already is found, whoever made it. @throws Conflict, NotFound */
  promotePart: (request: PromotionRequest, part: PartName): Promise<PartOutcome> =>
    store.write(request.tenantId, async (tx) => {
      const lesson = await learn(tx, request);
      const { postmortem } = lesson;
      assertPromotable(postmortem.status);
      const known = lesson.parts.find((p) => p.part === part);
      // Assets may have been made without closing the postmortem; to close it now is new.
      const closes = part === 'close' && request.markPromoted && postmortem.status === 'approved';
      if (known && !closes) return known.outcome;
      const made = await makers[part].make(tx, lesson);
      if (known) await deletePart(tx, postmortem.id, part);
      await insertPart(tx, postmortem.id, { part, ...made, promotion: thisPromotion() });
      return made.outcome;
    }),

  /** Takes back what this promotion made, and nothing that others wrote or only found; a repeat finds nothing to do. */
  unpromotePart: (request: PromotionRequest, part: PartName): Promise<void> =>
    store.write(request.tenantId, async (tx) => {
      const lesson = await learn(tx, request);
      const known = lesson.parts.find((p) => p.part === part);
      if (known?.promotion !== thisPromotion()) return;
      await makers[part].unmake(tx, lesson, known.undo);
      await deletePart(tx, lesson.postmortem.id, part);
    }),
});

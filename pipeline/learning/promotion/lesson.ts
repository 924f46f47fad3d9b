import { postmortems } from '../../../db/learning';
import { outcomeOf, promotionParts } from '../../../db/promotions';
import { tickets } from '../../../db/tickets';
import type { Write } from '../../../db/tx';
import { NotFound } from '../../../domain/errors';
import type { Postmortem } from '../../../domain/learning';
import type { PartName } from '../../../domain/promotion';
import type { Ticket } from '../../../domain/ticket';
import { statedKey, workflowKey } from '../../../domain/workflow-key';
import { articlePart } from './article';
import { blueprintPart } from './blueprint';
import { closePart } from './close';
import { lock, type Lesson, type Part, type PromotionRequest } from './part';
import { skillsPart } from './skills';
import { inWords } from './text';

export const makers: Record<PartName, Part> = {
  article: articlePart,
  skills: skillsPart,
  blueprint: blueprintPart,
  close: closePart,
};

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
export async function learn(tx: Write, request: PromotionRequest): Promise<Lesson> {
  await lock(tx, 'postmortems', request.postmortemId);
  const postmortem = await postmortems.byId(tx, request.postmortemId);
  if (!postmortem) throw new NotFound(`no postmortem ${request.postmortemId}`);
  const ticket = postmortem.ticketId === null ? null : await tickets.byId(tx, postmortem.ticketId);
  const parts = await promotionParts(tx, postmortem.id);
  // Article and blueprint of one postmortem have one key, even when somebody edits it between the two.
  const taken = outcomeOf(parts, 'article')?.workflowKey ?? outcomeOf(parts, 'blueprint')?.workflowKey;
  return { request, postmortem, ticket, parts, workflowKey: taken ?? keyOf(postmortem, ticket) };
}

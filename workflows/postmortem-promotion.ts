import { allHandlersFinished, condition, defineUpdate, setHandler } from '@temporalio/workflow';
import { Conflict, type DomainError } from '../domain/errors';
import type { PartName, PartOutcome, PromotionRequest } from '../activities';
import { byOwnRules, cancelledInTemporal, onUpdate, refusalOf, rows, show } from './kit';
import { stateOf } from './messages';

export interface Promotion {
  postmortemId: string;
  status: 'running' | 'promoted' | 'compensated';
  parts: Partial<Record<PartName, PartOutcome>>;
}

/** Answers when everything is there, or with the refusal. */
export const promoted = defineUpdate<Promotion>('promoted');
export const promotionState = stateOf<Promotion>();

/**
 * A saga: each part is one transaction that a repeat finds again. A part that is refused for good takes back the parts
 * that this promotion made, in reverse; what stood before stays.
 */
export async function postmortemPromotion(request: PromotionRequest): Promise<Promotion> {
  let state: Promotion = { postmortemId: request.postmortemId, status: 'running', parts: {} };
  let refused: DomainError | null = null;
  setHandler(promotionState, () => state);
  onUpdate(promoted, async () => {
    await condition(() => state.status !== 'running');
    if (refused) throw refused;
    return state;
  });

  const made: PartName[] = [];
  /** With the one that was refused: an earlier try of it may have made it, and its answer was lost. */
  const tried: PartName[] = [];
  const parts: PartName[] = [
    ...(request.createKnowledge ? (['article'] as const) : []),
    ...(request.createSkills ? (['skills'] as const) : []),
    ...(request.createWorkflow ? (['blueprint'] as const) : []),
    'close',
  ];
  let cancelled = false;
  const promote = async (): Promise<void> => {
    try {
      for (const part of parts) {
        if (cancelled) throw new Conflict(`the promotion was ${cancelledInTemporal}`);
        tried.push(part);
        const outcome = await rows.promotePart(request, part);
        made.push(part);
        state = { ...state, parts: { ...state.parts, [part]: outcome } };
        show('running', `Made: ${made.join(', ')}`);
      }
      state = { ...state, status: 'promoted' };
    } catch (e) {
      refused = refusalOf(e);
      for (const part of tried.reverse()) await rows.unpromotePart(request, part);
      state = { ...state, status: 'compensated', parts: {} };
      if (!refused) throw e;
    }
    show(state.status, refused ? `Taken back: ${refused.message}` : `Made: ${made.join(', ')}`);
    await condition(allHandlersFinished);
  };
  await byOwnRules(promote, () => void (cancelled = true));
  return state;
}

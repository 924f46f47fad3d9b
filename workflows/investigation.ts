import { allHandlersFinished, condition, defineUpdate, setHandler } from '@temporalio/workflow';
import { step, type Investigation, type InvestigationEvent } from '../domain/investigation';
import { breathe, byOwnRules, cancelledInTemporal, inTurn, onUpdate, rows, show, wordsOf } from './kit';
import { stateOf } from './messages';

export interface InvestigationInput {
  investigation: Investigation;
  deadlineMs: number;
}

/** Answers when the row is there: for Update-with-Start. */
export const begun = defineUpdate<Investigation>('begun');
export const investigationState = stateOf<Investigation>();

const at = (): string => new Date().toISOString();

/** Plans, gathers evidence through the governed pipeline, weighs it and concludes; people decide what follows. */
export async function investigation(input: InvestigationInput): Promise<Investigation> {
  let it = input.investigation;
  const next = inTurn();
  const move = (event: InvestigationEvent, transition: string): Promise<void> =>
    next(async () => {
      if (it.finishedAt !== null) return; // the row is ahead: it says how it ended
      it = (await rows.recordInvestigation(step(it, event, at()), { event: event.type, transition })).investigation;
      show(it.status, `Investigation of a ticket (${it.mode}): ${it.status}, ${it.steps} steps`);
    });
  const opening = next(async () => {
    it = (await rows.recordInvestigation(it, { event: 'open', transition: 'open' })).investigation;
  });
  setHandler(investigationState, () => it);
  onUpdate(begun, () => opening.then(() => it));

  let cancelled = false;
  /** One step after another; between two of them, word of a cancellation comes in. */
  const outcome = async (): Promise<InvestigationEvent> => {
    const deadline = Date.now() + input.deadlineMs;
    for (;;) {
      if (cancelled) return { type: 'interrupt', reason: cancelledInTemporal };
      if (Date.now() >= deadline) return { type: 'time_out' };
      try {
        const turn = await rows.investigate({ tenantId: it.tenantId, investigationId: it.id, step: it.steps });
        it = { ...it, steps: turn.steps };
        if (turn.conclusion) return { type: 'conclude', conclusion: turn.conclusion };
      } catch (e) {
        return { type: 'fail', error: wordsOf(e) };
      }
      await breathe();
    }
  };

  await byOwnRules(
    async () => {
      await opening;
      await move({ type: 'begin' }, 'begin');
      if (it.finishedAt === null) {
        const event = await outcome();
        await move(event, event.type);
      }
      await condition(allHandlersFinished);
    },
    () => void (cancelled = true),
  );
  return it;
}

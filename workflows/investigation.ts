import {
  CancellationScope,
  allHandlersFinished,
  condition,
  defineUpdate,
  isCancellation,
  setHandler,
} from '@temporalio/workflow';
import { step, type Investigation, type InvestigationEvent } from '../domain/investigation';
import { cancelledInTemporal, inTurn, onUpdate, rows, show, wordsOf } from './kit';
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

  const gather = async (): Promise<Record<string, unknown>> => {
    for (;;) {
      const turn = await rows.investigate({ tenantId: it.tenantId, investigationId: it.id, step: it.steps });
      it = { ...it, steps: turn.steps };
      if (turn.conclusion) return turn.conclusion;
    }
  };
  const outcome = async (): Promise<InvestigationEvent> => {
    const whole = CancellationScope.current();
    try {
      return { type: 'conclude', conclusion: await CancellationScope.withTimeout(input.deadlineMs, gather) };
    } catch (e) {
      if (!isCancellation(e)) return { type: 'fail', error: wordsOf(e) };
      return whole.consideredCancelled ? { type: 'interrupt', reason: cancelledInTemporal } : { type: 'time_out' };
    }
  };

  await opening;
  await move({ type: 'begin' }, 'begin');
  if (it.finishedAt === null) {
    const event = await outcome();
    await move(event, event.type);
  }
  await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
  return it;
}

import {
  CancellationScope,
  allHandlersFinished,
  condition,
  defineUpdate,
  isCancellation,
  setHandler,
} from '@temporalio/workflow';
import { DomainError } from '../domain/errors';
import { step, type Investigation, type InvestigationEvent } from '../domain/investigation';
import { onUpdate, refusalOf, rows, show } from './kit';
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
  let recorded = false;
  setHandler(investigationState, () => it);
  onUpdate(begun, async () => {
    await condition(() => recorded);
    return it;
  });
  const move = async (event: InvestigationEvent, transition: string) => {
    it = (await rows.recordInvestigation(step(it, event, at()), { event: event.type, transition })).investigation;
    show(it.status, `Investigation of a ticket (${it.mode}): ${it.status}, ${it.steps} steps`);
  };
  /** The report, or null when the deadline came first. */
  const gather = async (): Promise<Record<string, unknown> | null> => {
    const deadline = Date.now() + input.deadlineMs;
    while (Date.now() < deadline) {
      const turn = await rows.investigate({ tenantId: it.tenantId, investigationId: it.id, step: it.steps });
      it = { ...it, steps: turn.steps };
      if (turn.conclusion) return turn.conclusion;
    }
    return null;
  };

  it = (await rows.recordInvestigation(it, { event: 'open', transition: 'open' })).investigation;
  recorded = true;
  try {
    await move({ type: 'begin' }, 'begin');
    const conclusion = await gather();
    await move(
      conclusion ? { type: 'conclude', conclusion } : { type: 'time_out' },
      conclusion ? 'conclude' : 'deadline',
    );
  } catch (e) {
    await CancellationScope.nonCancellable(async () => {
      const refusal = refusalOf(e);
      if (isCancellation(e)) await move({ type: 'interrupt', reason: 'cancelled in Temporal' }, 'interrupt');
      else if (refusal instanceof DomainError) await move({ type: 'fail', error: refusal.message }, 'fail');
      else throw e;
    });
  }
  await condition(allHandlersFinished);
  return it;
}

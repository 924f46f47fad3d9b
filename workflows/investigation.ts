import {
  allHandlersFinished, ApplicationFailure, CancellationScope, condition, defineUpdate, proxyActivities,
  proxyLocalActivities, setHandler,
} from '@temporalio/workflow'; // prettier-ignore
import type { Activities, InvestigationTurn } from '../activities';
import { Conflict, refusalCodes } from '../domain/errors';
import { step, subjectOf, type Investigation, type InvestigationEvent } from '../domain/investigation';
import type { Actor } from '../domain/principal';
import { breathe, byOwnRules, cancelledInTemporal, inTurn, onUpdate, rows, show, wordsOf } from './kit';
import { stateOf } from './messages';

export interface InvestigationInput {
  investigation: Investigation;
  deadlineMs: number;
  /** How long a step that fails is tried again. */
  patienceMs?: number;
  /** Where models are asked. */
  agents?: string;
  /** Goes on with what an earlier attempt left; `investigation` is as that one ended. */
  resume?: { transition: string; by: Actor };
}

/** Answers when the row is there: for Update-with-Start. */
export const begun = defineUpdate<Investigation>('begun');
/** Answers when it goes on, to whoever resumed it; everybody else is late. */
export const resumed = defineUpdate<Investigation, [string]>('resumed');
export const investigationState = stateOf<Investigation>();

const at = (): string => new Date().toISOString();
const attempts = 3;
const firstWaitMs = 200;
/** No repeat changes it. Local activities fail with the cause itself. */
const isFinal = (e: unknown): boolean => e instanceof ApplicationFailure && e.nonRetryable === true;

/** Plans, gathers evidence through the governed pipeline, weighs it and concludes; people decide what follows. */
export async function investigation(input: InvestigationInput): Promise<Investigation> {
  const { resume, patienceMs = 60_000 } = input;
  let it = input.investigation;
  /** Transitions are told apart by the attempt that made them. */
  const named = (transition: string): string => (resume ? `${it.attempt}:${transition}` : transition);
  const next = inTurn();
  const record = async (event: 'open' | InvestigationEvent, transition: string, by?: Actor): Promise<boolean> => {
    const type = event === 'open' ? event : event.type;
    const moved = event === 'open' ? it : step(it, event, at());
    const stands = await rows.recordInvestigation(moved, { event: type, transition, ...(by && { by }) });
    it = stands.investigation;
    show(it.status, `Investigation of ${subjectOf(it)} (${it.mode}): ${it.status}, ${it.steps} steps`);
    return stands.applied;
  };
  const move = (event: InvestigationEvent): Promise<unknown> =>
    next(async () => {
      if (it.finishedAt === null) await record(event, named(event.type)); // else the row is ahead: it says how it ended
    });
  const opening = next(() =>
    resume ? record({ type: 'resume' }, resume.transition, resume.by) : record('open', 'open'),
  );
  setHandler(investigationState, () => it);
  onUpdate(begun, () => opening.then(() => it));
  onUpdate(resumed, async (transition) => {
    if (!(await opening) || transition !== resume?.transition)
      throw new Conflict(`the investigation is ${it.status}`, { status: it.status });
    return it;
  });

  let cancelled = false;
  /** Of a model, which may take its time: a cancellation does not wait for it. */
  const asking = new CancellationScope();
  const deadline = Date.now() + input.deadlineMs;

  const consult = async (phase: NonNullable<InvestigationTurn['consult']>): Promise<void> => {
    const asked = { tenantId: it.tenantId, investigationId: it.id, phase };
    const model = proxyActivities<Activities>({
      ...(input.agents !== undefined && { taskQueue: input.agents }),
      startToCloseTimeout: '3 minutes',
      scheduleToCloseTimeout: Math.max(1, deadline - Date.now()),
      heartbeatTimeout: '10 seconds',
      retry: { initialInterval: '200 milliseconds', maximumInterval: '5 seconds', maximumAttempts: attempts },
    });
    try {
      await asking.run(() => model.consultModel({ ...asked, attempts }));
    } catch (e) {
      if (cancelled || Date.now() >= deadline) return; // its end is near
      await rows.decideWithoutModel({ ...asked, reason: wordsOf(e) });
    }
  };

  /** One step after another; between two of them, word of a cancellation comes in. */
  const outcome = async (): Promise<InvestigationEvent> => {
    let failingSince: number | null = null;
    for (;;) {
      if (cancelled) return { type: 'interrupt', reason: cancelledInTemporal };
      const leftMs = deadline - Date.now();
      if (leftMs <= 0) return { type: 'time_out' };
      const gathering = proxyLocalActivities<Activities>({
        startToCloseTimeout: '10 seconds',
        scheduleToCloseTimeout: leftMs,
        retry: {
          initialInterval: '50 milliseconds',
          maximumAttempts: attempts,
          nonRetryableErrorTypes: [...refusalCodes],
        },
      });
      try {
        const turn = await gathering.investigate({ tenantId: it.tenantId, investigationId: it.id, step: it.steps });
        failingSince = null;
        it = { ...it, steps: turn.steps };
        if (turn.conclusion) return { type: 'conclude', conclusion: turn.conclusion };
        await breathe();
        if (turn.consult) await consult(turn.consult);
      } catch (e) {
        if (Date.now() >= deadline) return { type: 'time_out' };
        failingSince ??= Date.now();
        const failingMs = Date.now() - failingSince;
        if (isFinal(e) || failingMs >= patienceMs) return { type: 'fail', error: wordsOf(e) };
        // Outside of the workflow task, which a failing step would hold open; waited for twice as long each time.
        await condition(() => cancelled, Math.min(leftMs, Math.max(firstWaitMs, failingMs)));
      }
    }
  };

  await byOwnRules(
    async () => {
      if (await opening) {
        if (!resume) await move({ type: 'begin' });
        if (it.finishedAt === null) await move(await outcome());
      }
      await condition(allHandlersFinished);
    },
    () => {
      cancelled = true;
      asking.cancel();
    },
  );
  return it;
}

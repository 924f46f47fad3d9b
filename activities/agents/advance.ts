import { Context } from '@temporalio/activity';
import { isEnded } from '../../domain/run';
import { wasCarriedOut } from '../../pipeline/run';
import type { Deps } from '../deps';
import { after } from './brief';
import type { steeringOf } from './steering';
import type { Counted, StepInput, Steps } from './steps';
import type { Wish, wishesOf } from './wishes';

export interface Turn extends Counted {
  next:
    | { kind: 'more' }
    | { kind: 'slow'; step: number }
    /** The model is to be asked; `turn` is the number that its answer will have. */
    | { kind: 'think'; turn: number }
    | { kind: 'attend' }
    | { kind: 'offer' }
    | Wish
    | { kind: 'fail'; error: string }
    /** No call passes any more: somebody is about to stop the run. */
    | { kind: 'fenced'; reason: string };
}

/**
 * How long a turn goes on: half a second; on a busy machine five steps, or it would be workflow tasks that keep it busy;
 * but never so long that the workflow task is lost. What people say gets in before each step, whatever the turn.
 */
const turnMs = 500;
const turnSteps = 5;
const longestTurnMs = 2_000;
const isOver = (taken: number, ms: number): boolean => (ms > turnMs && taken >= turnSteps) || ms > longestTurnMs;

export const advanceActivities = (
  { pipeline }: Pick<Deps, 'pipeline'>,
  { callOf, carryOn, counted, nextMove }: Steps,
  { propose, requestAccess }: ReturnType<typeof wishesOf>,
  { listen }: Pick<ReturnType<typeof steeringOf>, 'listen'>,
) => ({
  /** Quick steps, one after the other, for as long as a turn may last. Safe to repeat at any point: the ledger knows what was done. */
  async advance(input: StepInput & { proposing: boolean }): Promise<Turn> {
    const from = performance.now();
    const signal = Context.current().cancellationSignal;
    let s = await listen(input);
    for (let taken = 0; ; taken += 1) {
      const turn = (next: Turn['next']): Turn => ({ steps: s.run.steps, progress: s.run.progress, next });
      if (s.fence !== null) return turn({ kind: 'fenced', reason: s.fence });
      if (isEnded(s.run)) return turn({ kind: 'finish', summary: s.run.status });
      const move = nextMove(s);
      if (move.kind === 'finish') return turn({ kind: 'finish', summary: move.summary });
      if (move.kind === 'fail') return turn({ kind: 'fail', error: move.error });
      if (move.kind === 'think') return turn({ kind: 'think', turn: s.turns.length });
      if (move.kind === 'attend' || move.kind === 'offer') return turn({ kind: move.kind });
      if (move.kind === 'request_access') return turn(await requestAccess(s, move));
      if (isOver(taken, performance.now() - from)) return turn({ kind: 'more' });
      if (move.kind === 'propose') {
        // People are deciding already: what was proposed stands, and what was said since is answered beside it.
        if (!input.proposing) return turn({ kind: 'finish', summary: 'answered' });
        const next = await propose(s, move, signal);
        if (next) return { ...(await counted(input)), next };
        s = await listen(input);
        continue;
      }
      const call = callOf(s, move, null);
      if (await pipeline.isSlow(call)) return turn({ kind: 'slow', step: s.step });
      const { done, counted: count } = await carryOn(call, signal);
      // A call that went as it should changes what was recorded, and nothing else: it is looked at once a turn.
      s = count && !count.said && wasCarriedOut(done) ? after(s, done, count) : await listen(input);
    }
  },
});

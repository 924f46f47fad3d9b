import type { Brief, Harness, Move } from '../harness';
import type { ModelTurn } from '../model-turn';
import { askedIn, type Standing } from './asked';

/** Turns in a row that asked for nothing that there is, after which the run fails. */
const mostFaults = 5;

/** A turn that said nothing, or was cut off before it said what to do. */
const isEmpty = (turn: ModelTurn): boolean =>
  turn.calls.length === 0 && (turn.text.trim() === '' || turn.stopReason === 'length');

/** What was wrong with a turn; null: there was something that could be done. */
function faultOf(turn: ModelTurn, standing: readonly Standing[]): string | null {
  if (isEmpty(turn)) return turn.stopReason === 'length' ? 'its answer was cut off' : 'it said nothing';
  const wrong = standing.filter((s) => s.answer?.fault);
  return wrong.length > 0 && wrong.length === standing.length ? (wrong.at(-1)?.answer?.text ?? null) : null;
}

/** The faults of the turns at the end, as many as there are in a row. */
function faultsAtEnd(turns: readonly ModelTurn[], standing: readonly Standing[][]): string[] {
  const faults: string[] = [];
  for (let i = turns.length - 1; i >= 0; i -= 1) {
    const turn = turns[i];
    if (turn?.purpose !== 'turn') continue;
    const fault = faultOf(turn, standing[i] ?? []);
    if (fault === null) break;
    faults.push(fault);
  }
  return faults;
}

const unheard = (brief: Brief, last: ModelTurn): boolean => brief.steering.length > last.heard;

/**
 * Has a model work on the ticket: it is asked for a turn, what it asks for is carried out call by call, and it is asked again
 * with what came of that, until it says that it is done. What people say is in its next turn.
 */
export const reasoner: Harness = {
  name: 'model',
  hearsOfProposals: true,
  next(brief, observations, turns = []): Move {
    const last = turns.at(-1);
    if (!last) return { kind: 'think' };
    const { turns: standing, proposal } = askedIn(brief, observations, turns);
    if (last.state === 'refused') return proposal ?? { kind: 'fail', error: last.error ?? 'the model was not asked' };
    const open = standing.at(-1)?.find((s) => s.open)?.open ?? null;
    if (open && open.kind !== 'finish') return open;
    if (unheard(brief, last)) return { kind: 'think' };
    if (proposal) return proposal;
    if (open) return open;
    const faults = faultsAtEnd(turns, standing);
    if (faults.length >= mostFaults) {
      return { kind: 'fail', error: `the model went wrong ${faults.length} times in a row: ${faults[0] ?? ''}` };
    }
    const isDone = last.purpose === 'turn' && last.calls.length === 0 && !isEmpty(last);
    return isDone ? { kind: 'finish', summary: last.text.trim() } : { kind: 'think' };
  },
  answers(brief, turns) {
    return new Map(
      brief.steering.flatMap(({ id }, nth) => {
        const answer = turns.find((t) => t.heard > nth && t.purpose === 'turn' && t.text.trim() !== '');
        return answer ? [[id, answer.text.trim()] as const] : [];
      }),
    );
  },
};

import { after, initial, type Operation, type Quorum, type State } from './model';

/** Operations of one gate that a search can hold: an order is kept as bits of a number. */
export const longest = 31;

/**
 * Whether some order explains the history: each operation takes effect at one moment between its call and its return
 * (Herlihy and Wing), and what was answered is what the model answers there. Searches as Wing and Gong do, and remembers
 * where it was (Lowe). An unknown operation may take its turn at any time after its call, or never.
 * @throws RangeError for a history that is too long to search
 */
export function possible(history: readonly Operation[], quorum: Quorum | null = null): boolean {
  if (history.length > longest) throw new RangeError(`${history.length} operations: more than ${longest}`);
  const seen = new Set<string>();
  const answered = history.reduce((bits, op, i) => (op.outcome === 'unknown' ? bits : bits | (1 << i)), 0);

  const search = (done: number, state: State): boolean => {
    if ((done & answered) === answered) return true;
    const here = `${done} ${state.status} ${state.approvedBy} ${state.votes.join()}`;
    if (seen.has(here)) return false;
    seen.add(here);
    // Whatever returned before another was called came before it.
    const soonest = history.reduce((at, op, i) => (done & (1 << i) ? at : Math.min(at, op.returned)), Infinity);
    return history.some((op, i) => {
      if (done & (1 << i) || op.call > soonest) return false;
      const next = after(state, op, i, quorum);
      return next !== null && search(done | (1 << i), next);
    });
  };
  return search(0, initial);
}

/** A history as a person reads it. */
export const written = (history: readonly Operation[]): string =>
  [...history]
    .sort((a, b) => a.call - b.call)
    .map((op) => {
      const until = op.returned === Infinity ? '…' : op.returned.toFixed(0);
      return `${op.call.toFixed(0)}–${until} ${op.caller} ${op.act}: ${op.outcome}${op.status ? ` (${op.status})` : ''}`;
    })
    .join('; ');

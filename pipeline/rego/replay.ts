import { countDecisions, decisionsIn, type RecordedDecision, type Window } from '../../db/recorded-decisions';
import type { Read } from '../../db/tx';
import type { PolicyInput } from '../policy';

/** What another policy would have come to. */
export interface Verdict {
  decision: string;
  reason: string | null;
}
/**
 * Of each; null: nothing is known of it that the policy could be asked. Of the first ones alone where it came to no more before
 * `until` (performance.now()).
 */
export type Judge = (decisions: readonly RecordedDecision[], until: number) => Promise<readonly (Verdict | null)[]>;

export interface Flip extends Verdict {
  event: RecordedDecision;
  was: string;
}
export interface Replay {
  /** In the window, of which the newest `lookedAt` were looked at. */
  decisions: number;
  lookedAt: number;
  /** Why not at all of them. */
  stopped: 'calls' | 'time' | null;
  replayed: number;
  withoutInput: number;
  notAsked: number;
  /** Verdicts by decision, of those that were replayed. */
  verdicts: Map<string, number>;
  flipped: number;
  /** The newest of those. */
  flips: Flip[];
}

/** What one replay looks at, and how long: it is an answer that somebody waits for. */
const most = { calls: 10_000, ms: 20_000 };
const batch = 100;
export const mostFlips = 1_000;

/** What policies were told of a call, put together again from its row. */
export const inputOf = ({ args, policy }: RecordedDecision): PolicyInput | null =>
  policy && ({ ...policy.input, args } as PolicyInput);

/**
 * Asks a judge of the calls that were recorded, the newest first, and lists what would have been decided otherwise.
 * @param read a transaction for each batch
 * @param was what it is compared with: what all policies together said then, or what became of the call
 */
export async function replay(
  read: <T>(work: (tx: Read) => Promise<T>) => Promise<T>,
  window: Window,
  was: (event: RecordedDecision) => string | null,
  judge: Judge,
  { calls, ms } = most,
): Promise<Replay> {
  const until = performance.now() + ms;
  const found: Replay = {
    decisions: await read((tx) => countDecisions(tx, window)),
    lookedAt: 0, stopped: null, replayed: 0, withoutInput: 0, notAsked: 0, verdicts: new Map(), flipped: 0, flips: [],
  }; // prettier-ignore
  let last: RecordedDecision | null = null;
  while (found.lookedAt < found.decisions) {
    if (found.lookedAt >= calls) found.stopped = 'calls';
    else if (performance.now() > until) found.stopped = 'time';
    if (found.stopped !== null) break;
    const after: RecordedDecision | null = last;
    const room = Math.min(batch, calls - found.lookedAt);
    const events: RecordedDecision[] = await read((tx) => decisionsIn(tx, window, after, room));
    if (events.length === 0) break; // the window has moved on
    const verdicts = await judge(events, until);
    events.slice(0, verdicts.length).forEach((event, i) => {
      const verdict = verdicts[i];
      const before = was(event);
      found.lookedAt += 1;
      if (before === null && !event.asked) found.notAsked += 1;
      else if (before === null || !verdict) found.withoutInput += 1;
      else {
        found.replayed += 1;
        found.verdicts.set(verdict.decision, (found.verdicts.get(verdict.decision) ?? 0) + 1);
        if (verdict.decision === before) return;
        found.flipped += 1;
        if (found.flips.length < mostFlips) found.flips.push({ ...verdict, event, was: before });
      }
    });
    if (verdicts.length < events.length) found.stopped = 'time';
    last = events.at(-1) ?? null;
  }
  return found;
}

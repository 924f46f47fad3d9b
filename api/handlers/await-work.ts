import type { Entry } from '../../domain/log';
import { Unauthorized } from '../../domain/errors';
import type { Scope } from '../../domain/scopes';
import { perOwner } from '../../log/shared';
import { listen } from '../../log/tail';
import type { Ctx, Kernel } from '../kernel';

/** Who waits in one tenant, in this process: they look one after the other, in the order in which they were called. */
interface Waiting {
  turn: Promise<unknown>;
  /** By what is looked for: how far the log was when the last look found nothing, and when that was. */
  empty: Map<string, { seq: number; at: number }>;
}
const waitingOf = perOwner((_kernel: Kernel) => new Map<string, Waiting>());
const mostKept = 1_000;
/** What the log does not tell of (a lease that ran out while no worker is there, a row that somebody held) is found by then. */
const againMs = 2_000;

function inTurn<T>(w: Waiting, work: () => Promise<T>): Promise<T> {
  const mine = w.turn.then(work);
  w.turn = mine.catch(() => undefined); // whoever looked hears of it
  return mine;
}

export interface Awaited<T> {
  seconds: number;
  /** Those who look for the same need not look where one of them found nothing. */
  same: string;
  /** Without it, whoever waits gets nothing any more. */
  scope: Scope;
  /** After which entries there may be something. */
  fits: (entry: Entry) => boolean;
  look: () => Promise<T | null>;
}

/**
 * What `look` finds: now, or as soon as the log says that there may be something; null when there was nothing for so long, or
 * the caller has gone. Who waits holds no connection: one reader of the log wakes all of them (log/tail.ts), and of many that
 * are woken by one thing, those who come too late do not ask the database.
 */
export async function awaitWork<T>(ctx: Ctx, { seconds, same, scope, fits, look }: Awaited<T>): Promise<T | null> {
  if (seconds === 0) return look();
  const until = performance.now() + seconds * 1000;
  const { closed, kernel, tenantId } = ctx;
  const all = waitingOf(kernel);
  const waiting = all.get(tenantId) ?? {
    turn: Promise.resolve(),
    empty: new Map<string, { seq: number; at: number }>(),
  };
  all.set(tenantId, waiting);
  const lookOnce = async (seq: number): Promise<T | null> => {
    const known = waiting.empty.get(same);
    if (closed.aborted || (known && known.seq >= seq && performance.now() - known.at < againMs)) return null;
    const now = await ctx.recheck();
    if (now?.tenantId !== tenantId || !now.scopes.includes(scope))
      throw new Unauthorized('Invalid or expired token', { reason: 'invalid_session', authenticated: false });
    const found = await look();
    if (found !== null) return found;
    if (waiting.empty.size >= mostKept) waiting.empty.clear();
    waiting.empty.set(same, { seq, at: performance.now() });
    return null;
  };
  const tail = await listen(kernel.store, tenantId);
  try {
    let { seq } = tail;
    let found = await look();
    let again = performance.now() + againMs;
    while (found === null && !closed.aborted) {
      const left = until - performance.now();
      if (left <= 0) break;
      const entries = await tail.after(seq, Math.min(left, againMs), closed);
      seq = entries.at(-1)?.seq ?? seq;
      if (!entries.some(fits) && performance.now() < again) continue;
      found = await inTurn(waiting, () => lookOnce(seq));
      again = performance.now() + againMs;
    }
    return found;
  } finally {
    tail.leave();
  }
}

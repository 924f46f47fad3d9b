import type { Pool } from 'pg';

/**
 * Commits of nothing but a record in the journal, and waits until that is on disk: with it is everything that was committed
 * before it was asked for.
 */
export const flush = `select pg_logical_emit_message(true, 'wheelhouse', '')`;

interface Flushes {
  running: Promise<void> | null;
  next: Promise<void> | null;
}
const ofPool = new WeakMap<Pool, Flushes>();

/** One at a time in a process, for everybody who waits by then: the disk takes as long for one as for all of them. */
export function flushes(pool: Pool) {
  const of = ofPool.get(pool) ?? { running: null, next: null };
  ofPool.set(pool, of);
  const run = (ask: () => Promise<unknown>): Promise<void> => {
    const over = (): void => void (of.running = null);
    return (of.running = ask().then(over, (e: unknown) => {
      over();
      throw e;
    }));
  };
  const join = async (ask: () => Promise<unknown>): Promise<void> => {
    if (!of.running) return run(ask);
    of.next ??= of.running
      .catch(() => undefined) // who waited for it was told
      .then(() => {
        of.next = null;
        return join(ask);
      });
    return of.next;
  };
  return {
    /** Nobody is waiting: who asks now is served at once. */
    get idle() {
      return !of.running && !of.next;
    },
    /** Somebody will ask when the running one is over: who joins now need not ask. */
    get awaited() {
      return of.next !== null;
    },
    /** Resolves when what was committed before this call is on disk. `ask` sends `flush`, or is not called: another's serves. */
    join,
  };
}

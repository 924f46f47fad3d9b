import type { Logger } from 'pino';
import { moveCursor, readOn, takeCursor, tenantsBehind, type Entry } from '../db/cursors';
import { untilOnDisk, type Write } from '../db/tx';
import type { Store } from '../log/store';
import { backOff, keepLooking, type Often } from './loop';

export interface Reader {
  /** Whose cursor it is. */
  name: string;
  /** Entries that it is told of. */
  kinds: readonly string[];
  /** Younger entries are left for later: until then they are somebody else's. */
  graceSeconds?: number;
  /**
   * Of one window, in the log's order, in the transaction in which the cursor moves behind it. Answers the last entry that it
   * came to where it had no time for the others (`lateAfter`), else null. What it throws keeps the cursor.
   */
  take: (tx: Write, entries: readonly Entry[]) => Promise<number | null>;
  /** How often it looks, and what is late when it cannot. */
  often: Often;
}
export interface Around {
  store: Store;
  logger: Logger;
  /** Aborted when the worker ends. */
  signal: AbortSignal;
}

/** Entries of the log that one transaction looks through. */
const window = 2_000;

/** For what leaves the database: its transaction lies idle meanwhile, and after a minute the server ends it (db/pool.ts). */
const passingMs = 20_000;

/** Whether it is time to end the window, so that the cursor moves behind what is done. */
export function lateAfter(ms = passingMs): () => boolean {
  const from = performance.now();
  return () => performance.now() - from >= ms;
}

/** What came before this entry is done, and is not to come again. */
class StuckAt extends Error {
  constructor(
    readonly seq: number,
    cause: unknown,
  ) {
    super(`what entry ${seq} says was not passed on`, { cause });
  }
}

/** For those whose doing leaves the database: what one of them throws keeps the cursor before it, and not before the others. */
export const oneByOne =
  (signal: AbortSignal, pass: (tenantId: string, entry: Entry) => Promise<void>): Reader['take'] =>
  async ({ tenantId }, entries) => {
    const late = lateAfter();
    for (const entry of entries) {
      try {
        signal.throwIfAborted();
        await pass(tenantId, entry);
      } catch (cause) {
        throw new StuckAt(entry.seq, cause);
      }
      if (late()) return entry.seq;
    }
    return null;
  };

/**
 * Passes on what was written first and must reach somebody: every entry of those kinds, of every tenant's log, in order, and at
 * least once. The cursor moves with what was passed on, so what was lost comes again. Ends when `signal` is aborted, and never
 * for another reason: trouble is waited out, and that of one tenant is no other's.
 */
export function readLog(reader: Reader, around: Around): Promise<void> {
  const { logger, signal, store } = around;
  const inTrouble = new Map<string, { failures: number; until: number }>();
  const more = async (tenantId: string): Promise<boolean> => {
    const { failures = 0, until = 0 } = inTrouble.get(tenantId) ?? {};
    if (signal.aborted || performance.now() < until) return false;
    try {
      const left = await readWindow(reader, around, tenantId);
      inTrouble.delete(tenantId);
      return left;
    } catch (err) {
      const waitMs = backOff(failures + 1, reader.often);
      inTrouble.set(tenantId, { failures: failures + 1, until: performance.now() + waitMs });
      logger.warn({ err, tenantId, waitMs }, reader.often.trouble);
      return false;
    }
  };
  return keepLooking(reader.often, logger, signal, async () => {
    // A window of each in turn, and then a look at who is behind by now: nobody waits for all that somebody else left.
    for (;;) {
      const from = performance.now();
      const behind = await tenantsBehind(store.pool, reader.name);
      const lookingMs = performance.now() - from;
      let left = false;
      for (const tenantId of behind) if (await more(tenantId)) left = true;
      if (!left) return lookingMs;
    }
  });
}

/** One window of one tenant's log. True when there is more. @throws what kept it from being passed on, after what was is kept */
export async function readWindow(
  { name, kinds, graceSeconds = 0, take }: Reader,
  { store, signal }: Pick<Around, 'store' | 'signal'>,
  tenantId: string,
): Promise<boolean> {
  const { more, stuck } = await store.write(tenantId, async (tx) => {
    const from = await takeCursor(tx, name);
    if (from === null) return { more: false, stuck: null }; // another worker is at it
    const { entries, end, last } = await readOn(tx, from, { kinds, window, graceSeconds });
    if (entries.length) {
      await untilOnDisk(store.pool);
      try {
        const cameTo = await take(tx, entries);
        if (cameTo !== null) {
          await moveCursor(tx, name, cameTo);
          return { more: cameTo < last, stuck: null };
        }
      } catch (stuck) {
        if (!(stuck instanceof StuckAt)) throw stuck;
        await moveCursor(tx, name, stuck.seq - 1);
        return { more: false, stuck };
      }
    }
    if (end > from) await moveCursor(tx, name, end);
    return { more: end < last, stuck: null };
  });
  if (stuck !== null && !signal.aborted)
    throw new Error(`something of tenant ${tenantId} was not passed on`, { cause: stuck });
  return more;
}

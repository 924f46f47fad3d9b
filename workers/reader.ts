import type { Logger } from 'pino';
import { moveCursor, readOn, takeCursor, tenantsBehind, type Passed } from '../db/cursors';
import { untilOnDisk } from '../db/tx';
import type { Store } from '../log/store';
import { keepLooking } from './loop';

export interface Reader {
  /** Whose cursor it is. */
  name: string;
  /** Entries that it passes on. */
  kinds: readonly string[];
  /** Passes one on: at least once, in the log's order. What it throws keeps the cursor before this entry. */
  pass(tenantId: string, entry: Passed): Promise<void>;
  /** How often it looks, and what is late when it cannot. */
  often: Parameters<typeof keepLooking>[0];
}
export interface Around {
  store: Store;
  logger: Logger;
  /** Aborted when the worker ends. */
  signal: AbortSignal;
}

/** Entries of the log that one transaction looks through. */
const window = 2_000;

/**
 * Passes on what was written first and must reach somebody outside the database: every entry of those kinds, of every tenant's
 * log, in order. The cursor moves with what was passed on, so what was lost comes again. Ends when `signal` is aborted, and never
 * for another reason: trouble is waited out.
 */
export const readLog = (reader: Reader, around: Around): Promise<void> =>
  keepLooking(reader.often, around.logger, around.signal, async () => {
    for (const tenantId of await tenantsBehind(around.store.pool, reader.name))
      while (!around.signal.aborted && (await readWindow(reader, around, tenantId)));
  });

/** One window of one tenant's log. True when there is more. @throws what kept it from being passed on, after what was is kept */
async function readWindow(reader: Reader, { store, signal }: Around, tenantId: string): Promise<boolean> {
  const { more, trouble } = await store.write(tenantId, async (tx) => {
    const from = await takeCursor(tx, reader.name);
    if (from === null) return { more: false, trouble: null }; // another worker is at it
    const { entries, end, last } = await readOn(tx, from, reader.kinds, window);
    if (entries.length) await untilOnDisk(store.pool);
    for (const [i, entry] of entries.entries()) {
      try {
        signal.throwIfAborted();
        await reader.pass(tenantId, entry);
      } catch (trouble) {
        await moveCursor(tx, reader.name, (entries[i]?.seq ?? from + 1) - 1);
        return { more: false, trouble };
      }
    }
    await moveCursor(tx, reader.name, end);
    return { more: end < last, trouble: null };
  });
  if (trouble !== null && !signal.aborted)
    throw new Error(`something of tenant ${tenantId} was not passed on`, { cause: trouble });
  return more;
}

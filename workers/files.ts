import type { Logger } from 'pino';
import { mayRemoveFiles, unnamedFiles } from '../db/files';
import type { FileStore } from '../log/files';
import type { Store } from '../log/store';
import { keepLooking } from './loop';

export interface Swept {
  /** Files that nothing names. */
  removed: number;
  /** Uploads that nobody ended. */
  cleared: number;
}

/**
 * Removes what is from before then and was never acknowledged: uploads that broke off with their process, and files that
 * no row names. Of tenants that this database knows, and of no other's. A tenant for which somebody stores just now has
 * its turn the next time.
 */
export async function sweepFiles(store: Store, files: FileStore, before: Date): Promise<Swept> {
  const swept: Swept = { removed: 0, cleared: await files.clear(before) };
  const known = new Set(await store.tenants());
  for await (const { tenantId, files: found } of files.list()) {
    const old = found.filter((f) => f.at < before).map((f) => f.sha256);
    if (old.length === 0 || !known.has(tenantId)) continue;
    // Not in one snapshot: what was committed before the lock was had is seen by the statement behind it, and stays.
    swept.removed += await store.write(tenantId, async (tx) => {
      if (!(await mayRemoveFiles(tx))) return 0;
      const unnamed = await unnamedFiles(tx, old);
      for (const sha256 of unnamed) {
        await tx.query('select'); // the lock is this connection's: when it is gone, so is the right to remove
        await files.remove(tenantId, sha256);
      }
      return unnamed.length;
    });
  }
  return swept;
}

/** Does so again and again, until the signal is aborted. */
export function keepFilesSwept(
  { store, files }: { store: Store; files: FileStore },
  everySeconds: number,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  const everyMs = everySeconds * 1000;
  const often = {
    pollMs: everyMs,
    longestWaitMs: Math.max(everyMs, 60_000),
    trouble: 'files that nothing names were not removed; they only take up space',
  };
  return keepLooking(often, logger, signal, async () => {
    const swept = await sweepFiles(store, files, new Date(Date.now() - everyMs));
    if (swept.removed + swept.cleared > 0) logger.info(swept, 'files that nothing names were removed');
  });
}

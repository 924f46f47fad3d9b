import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { tenantsBehind } from '../db/cursors';
import type { Store } from '../log/store';

const pollMs = 1_000;
const longestWaitMs = 30_000;

/**
 * Keeps the tallies of every tenant's log close behind its end (migrations/000008_tallies.sql): totals of a search are
 * exact without it too, and cost more the further they are behind. Ends when `signal` is aborted.
 */
export async function keepTallies(store: Store, logger: Logger, signal: AbortSignal): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    let waitMs = pollMs;
    try {
      const from = performance.now();
      for (const tenantId of await tenantsBehind(store.pool, 'tallies')) {
        if (signal.aborted) return;
        await tally(store, tenantId);
      }
      // A tenth of the time at most, however many tenants there are.
      waitMs = Math.max(pollMs, 10 * (performance.now() - from));
      failures = 0;
    } catch (err) {
      failures += 1;
      waitMs = Math.min(pollMs * 2 ** failures, longestWaitMs);
      logger.warn({ err, waitMs }, 'the tallies of the log are behind; searches of it take longer');
    }
    await delay(waitMs, undefined, { signal }).catch((e: unknown) => {
      if (!signal.aborted) throw e;
    });
  }
}

/** Brings one tenant's tallies up to the last whole 1024 entries; gives how many entries that were. */
export async function tally(store: Store, tenantId: string): Promise<number> {
  return store.write(tenantId, async (tx) => {
    const { rows } = await tx.query<{ n: number }>('select tally_log() as n');
    return rows[0]?.n ?? 0;
  });
}

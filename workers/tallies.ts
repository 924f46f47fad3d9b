import type { Logger } from 'pino';
import { tallyCalls } from '../db/calls';
import { tenantsBehind } from '../db/cursors';
import { learnHabits } from '../db/habits';
import type { Store } from '../log/store';
import { eachTenant, keepLooking } from './loop';

const often = {
  pollMs: 1_000,
  longestWaitMs: 30_000,
  trouble: 'the tallies of the log are behind; searches of it take longer',
};

/**
 * Keeps the tallies of every tenant's log close behind its end (migrations/000008_tallies.sql, 000016_totals.sql): totals of a search are
 * exact without it too, and cost more the further they are behind. So are the cells of governed calls (000056_call_tallies.sql),
 * into which what was logged before there were any is taken as well, and the habits of agents (000069_quarantine.sql). Ends when
 * `signal` is aborted.
 */
export const keepTallies = (store: Store, logger: Logger, signal: AbortSignal): Promise<void> =>
  keepLooking(often, logger, signal, () =>
    eachTenant(often, logger, signal, [
      [() => tenantsBehind(store.pool, 'tallies'), (tenantId) => tally(store, tenantId)],
      [
        () => tenantsBehind(store.pool, 'calls'),
        async (tenantId) => {
          while (!signal.aborted && (await store.write(tenantId, (tx) => tallyCalls(tx, atOnce))) === atOnce);
        },
      ],
      [
        () => tenantsBehind(store.pool, 'habits'),
        async (tenantId) => {
          while (!signal.aborted && (await store.write(tenantId, (tx) => learnHabits(tx, atOnce))) === atOnce);
        },
      ],
    ]),
  );

/** Entries that are taken in by one transaction. */
const atOnce = 8_192;

/** Brings one tenant's tallies up to the last whole 128 entries; gives how many entries that were. */
export async function tally(store: Store, tenantId: string): Promise<number> {
  return store.write(tenantId, async (tx) => {
    const { rows } = await tx.query<{ n: number }>('select tally_log() as n');
    return rows[0]?.n ?? 0;
  });
}

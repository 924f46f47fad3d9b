import type { Logger } from 'pino';
import { lapse } from '../db/remote-leases';
import { lapsedOffers, tenantsWithLapsed } from '../db/remote-tasks';
import { runs } from '../db/runs';
import type { Store } from '../log/store';
import { keepLooking } from './loop';

const often = {
  pollMs: 500,
  longestWaitMs: 10_000,
  trouble: 'tasks whose holders are not heard of any more are not offered again',
};
const most = 100;

/** Offers again what agents elsewhere held and do not say any more that they live: who waits for work is told by the log. */
export const tendRemoteLeases = (store: Store, logger: Logger, signal: AbortSignal): Promise<void> =>
  keepLooking(often, logger, signal, async () => {
    for (const tenantId of await tenantsWithLapsed(store.pool))
      await store.write(tenantId, async (tx) => {
        for (const task of await lapsedOffers(tx, most)) {
          const run = await runs.byId(tx, task.runId);
          if (run) await lapse(tx, run, task);
        }
      });
  });

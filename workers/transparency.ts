import type { Logger } from 'pino';
import { tenantsBehind } from '../db/cursors';
import { movedTrees } from '../db/transparency';
import { tenantsUnsealed } from '../db/transparency-roots';
import { growTrees, sealDays, type RootKit } from '../log/roots';
import type { Store } from '../log/store';
import { eachTenant, keepLooking } from './loop';

const often = {
  pollMs: 15_000,
  longestWaitMs: 60_000,
  trouble: 'the roots of days that are over are late; the log goes on meanwhile',
};

/** Keeps the trees of receipts behind the log, and seals each day once it is over (UTC). Two at once do no harm. */
export const keepRoots = (kit: RootKit & { store: Store }, logger: Logger, signal: AbortSignal): Promise<void> =>
  keepLooking(often, logger, signal, () =>
    eachTenant(often, logger, signal, [
      [() => tenantsBehind(kit.store.pool, movedTrees), (tenantId) => growTrees(kit, tenantId, signal)],
      [() => tenantsUnsealed(kit.store.pool), (tenantId) => sealDays(kit, tenantId, undefined, signal)],
    ]),
  );

import type { Logger } from 'pino';
import { tenantsBehind } from '../db/cursors';
import { movedTrees } from '../db/transparency';
import { tenantsUnsealed } from '../db/transparency-roots';
import { growTrees, sealDays, type RootKit } from '../log/roots';
import type { Store } from '../log/store';
import { keepLooking } from './loop';

const often = {
  pollMs: 15_000,
  longestWaitMs: 60_000,
  trouble: 'the roots of days that are over are late; the log goes on meanwhile',
};

/** Keeps the trees of receipts behind the log, and seals each day once it is over (UTC). Two at once do no harm. */
export const keepRoots = (kit: RootKit & { store: Store }, logger: Logger, signal: AbortSignal): Promise<void> =>
  keepLooking(often, logger, signal, async () => {
    for (const tenantId of await tenantsBehind(kit.store.pool, movedTrees)) await growTrees(kit, tenantId, signal);
    for (const tenantId of await tenantsUnsealed(kit.store.pool)) await sealDays(kit, tenantId, undefined, signal);
  });

import { Context } from '@temporalio/activity';
import { expireRecords } from '../../db/agent-records';
import { recordKindNames } from '../../domain/agent-records';
import { system } from '../../domain/principal';
import type { Deps } from '../deps';

/** Rows of one transaction: it holds their locks, and the tenant's log, for milliseconds. */
const batch = 1_000;
/** Batches of one kind in one sweep: what is left then waits for the next. */
const most = 50;

/** Takes away what agents reported and is older than it is kept: in small batches, each with an entry that says what went. */
export async function expireRecordsOf(
  { store, retentionDays }: Pick<Deps, 'store' | 'retentionDays'>,
  tenantId: string,
): Promise<number> {
  let total = 0;
  for (const kind of recordKindNames) {
    for (let i = 0; i < most; i += 1) {
      Context.current().heartbeat(tenantId);
      const removed = await store.write(tenantId, async (tx) => {
        const old = await expireRecords(tx, kind, retentionDays[kind], batch);
        if (old.upTo) {
          tx.log({
            kind: `${kind}.expired`,
            actor: system,
            subject: { kind: 'tenant', id: tenantId },
            body: { rows: old.removed, up_to: old.upTo.toISOString(), kept_days: retentionDays[kind] },
          });
        }
        return old.removed;
      });
      total += removed;
      if (removed < batch) break;
    }
  }
  return total;
}

import { Context } from '@temporalio/activity';
import { expireKept, expireSignals } from '../../db/expire';
import type { Write } from '../../db/tx';
import { keptKinds, type KeptKind } from '../../domain/agent-records';
import { system } from '../../domain/principal';
import type { Deps } from '../deps';

/** What ends by age or by its time. A transaction takes so many: it holds their locks, and the tenant's log, for milliseconds. */
interface Ending {
  batch: number;
  /** Ends some, with their entries; gives how many. */
  end: (tx: Write) => Promise<number>;
}
/** Batches of one kind in one sweep: what is left then waits for the next. */
const most = 50;

/** What agents reported and is older than it is kept goes; one entry says what went. */
const olderThan = (kind: KeptKind, days: number, batch = 1_000): Ending => ({
  batch,
  async end(tx) {
    const { removed, upTo } = await expireKept(tx, kind, days, batch);
    if (upTo)
      tx.log({
        kind: `${kind}.expired`,
        actor: system,
        subject: { kind: 'tenant', id: tx.tenantId },
        body: { rows: removed, up_to: upTo.toISOString(), kept_days: days },
      });
    return removed;
  },
});

/** A signal is somebody's: each has an entry of its own. */
const signals = (batch = 250): Ending => ({
  batch,
  async end(tx) {
    const over = await expireSignals(tx, batch);
    for (const s of over)
      tx.log({
        kind: 'signal.expired',
        actor: system,
        subject: { kind: 'signal', id: s.id },
        body: { for_agent: s.forAgent, created_by: s.createdBy, signal: s.signal, expires_at: s.expiresAt },
      });
    return over.length;
  },
});

/** Ends what is to end of a tenant, in small batches. Two at once end everything once. */
export async function endByTime(
  { store, retentionDays }: Pick<Deps, 'store' | 'retentionDays'>,
  tenantId: string,
): Promise<void> {
  for (const { batch, end } of [...keptKinds.map((kind) => olderThan(kind, retentionDays[kind])), signals()]) {
    for (let i = 0; i < most; i += 1) {
      Context.current().heartbeat(tenantId);
      if ((await store.write(tenantId, end)) < batch) break;
    }
  }
}

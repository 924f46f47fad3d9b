import { ActivityFailure, proxyActivities } from '@temporalio/workflow';
import type { Activities, Orphan } from '../activities';
import { isSettled, step as stepAccess, type AccessEvent } from '../domain/access';
import { step as stepGate, type Gate } from '../domain/gate';
import { system } from '../domain/principal';
import { workflowId } from './ids';
import { rows, tell } from './kit';
import { runEnded, withdraw } from './messages';

const at = (): string => new Date().toISOString();

/** One attempt: while the provider is away the row says `revoking`, and the next sweep tries again. */
const once = proxyActivities<Activities>({ startToCloseTimeout: '20 seconds', retry: { maximumAttempts: 1 } });

/**
 * Whoever waits for a run that is over hears of it; where its process is gone as well, the lease is taken back here, and
 * its row is ended when that is confirmed. Answers how many leases were taken back.
 */
async function endAccess({ access, reason, gone, lent }: Orphan): Promise<number> {
  if (!gone) {
    await tell(workflowId('accessRequest', access.tenantId, access.id), runEnded, { reason });
    return 0;
  }
  try {
    if (lent) await once.revokeLease(access, reason);
  } catch (e) {
    if (!(e instanceof ActivityFailure)) throw e;
    return 0;
  }
  if (!isSettled(access)) {
    const event: AccessEvent = { type: access.status === 'granted' ? 'revoke' : 'expire', reason };
    await rows.recordAccess(stepAccess(access, event, at()), { event: event.type, transition: 'swept' });
  }
  return lent ? 1 : 0;
}

async function endGate(gate: Gate): Promise<void> {
  const reason = 'what waited for it is over';
  if (await tell(workflowId('approvalGate', gate.tenantId, gate.id), withdraw, { id: 'swept', reason })) return;
  const event = { type: 'expire' as const, by: system, reason };
  const transition = { event: event.type, by: system, transition: 'swept', proof: null, correlationId: null };
  await rows.recordGate(stepGate(gate, event, at()), transition);
}

/**
 * What a terminated workflow could not clean up: runs whose process is gone, leases past their time or their run, gates
 * and requests that nobody waits for any more. A Schedule starts it; two sweeps at once do no harm.
 */
export async function sweep(): Promise<{ runs: number; leases: number }> {
  const activities = proxyActivities<Activities>({ startToCloseTimeout: '5 minutes', heartbeatTimeout: '20 seconds' });
  const { runs, access, gates } = await activities.sweepTenants();
  const [leases] = await Promise.all([Promise.all(access.map(endAccess)), Promise.all(gates.map(endGate))]);
  return { runs, leases: leases.reduce((sum, n) => sum + n, 0) };
}

import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities';
import { step as stepAccess, type AccessEvent, type AccessRequest } from '../domain/access';
import { step as stepGate, type Gate } from '../domain/gate';
import { system } from '../domain/principal';
import { workflowId } from './ids';
import { rows, tell } from './kit';
import { runEnded, withdraw } from './messages';

const reason = 'its run is over';
const at = (): string => new Date().toISOString();

/** Whoever waits for a run that is over hears of it; where its process is gone as well, its row is ended here. */
async function endAccess(access: AccessRequest): Promise<void> {
  if (await tell(workflowId('accessRequest', access.tenantId, access.id), runEnded, { reason })) return;
  const event: AccessEvent = { type: access.status === 'granted' ? 'revoke' : 'expire', reason };
  await rows.recordAccess(stepAccess(access, event, at()), { event: event.type, transition: 'swept' });
}

async function endGate(gate: Gate): Promise<void> {
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
  const activities = proxyActivities<Activities>({ startToCloseTimeout: '1 minute', heartbeatTimeout: '20 seconds' });
  const { runs, leases, access, gates } = await activities.sweepTenants();
  await Promise.all([...access.map(endAccess), ...gates.map(endGate)]);
  return { runs, leases };
}

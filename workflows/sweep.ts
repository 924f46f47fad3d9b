import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities';

/**
 * What a terminated workflow could not clean up: runs whose process is gone, leases past their time or their run. A
 * Schedule starts it; two sweeps at once do no harm.
 */
export async function sweep(): Promise<{ runs: number; leases: number }> {
  const activities = proxyActivities<Activities>({ startToCloseTimeout: '1 minute', heartbeatTimeout: '20 seconds' });
  return activities.sweepTenants();
}

import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities';

/** All alert rules of all tenants, once. A Schedule starts it; two at once do no harm. */
export async function evaluateAlerts(): Promise<{ fired: number; ended: number }> {
  const activities = proxyActivities<Activities>({ startToCloseTimeout: '5 minutes', heartbeatTimeout: '30 seconds' });
  return activities.evaluateTenants();
}

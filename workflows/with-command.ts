import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities';
import { throughLaunches, type Around, type LaunchEnd } from './launches';

/** Stays with the command of a run, launch after launch. `queue` is where commands are waited for. */
export function withCommand({ queue, ...around }: Around & { queue: string }): Promise<LaunchEnd> {
  const { tenantId, id: runId, runtime } = around.run;
  const wanted = runtime && {
    timeoutMinutes: runtime.timeout_minutes,
    effort: runtime.reasoning_effort,
    fast: runtime.fast_mode,
  };
  // As long as a command may run: its supervisor knows how long that is, and a worker that died is noticed by its heartbeat.
  const { attendCommand } = proxyActivities<Activities>({
    taskQueue: queue,
    startToCloseTimeout: '30 days',
    heartbeatTimeout: '10 seconds',
    retry: { initialInterval: '1 second', maximumInterval: '10 seconds' },
  });
  return throughLaunches(around, (launch) => attendCommand({ tenantId, runId, launch, ...wanted }));
}

import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities';

/** A model that is busy gets about three minutes; then the run goes on without its answer. */
export const modelAttempts = 8;

/** What a run has done on the agents' queue, each for as long as it may take. A worker that died is noticed by its heartbeat. */
export function agentsQueue(taskQueue: string) {
  const queue = { taskQueue, heartbeatTimeout: '10 seconds' } as const;
  const slow = proxyActivities<Activities>({
    ...queue,
    startToCloseTimeout: '10 minutes',
    retry: { maximumInterval: '30 seconds' },
  });
  const model = proxyActivities<Activities>({
    ...queue,
    startToCloseTimeout: '15 minutes',
    retry: { initialInterval: '1 second', maximumInterval: '1 minute', maximumAttempts: modelAttempts },
  });
  return { runSlowStep: slow.runSlowStep, runCall: slow.runCall, carryOut: slow.carryOut, think: model.think };
}

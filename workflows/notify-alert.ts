import { ActivityFailure, CancellationScope, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities';
import { refusalCodes } from '../domain/errors';
import { rows, wordsOf } from './kit';

/** An alert that somebody is to be told of. `queue`: where outside services are spoken to. */
export interface Notice {
  tenantId: string;
  alertId: string;
  queue: string;
}

/**
 * Tells of an alert until the receiver says that it has it: for a day, at longer and longer intervals. What came to nothing
 * is written down. The row says how it came out, so a second one finds that it is done.
 */
export async function notifyAlert({ tenantId, alertId, queue }: Notice): Promise<void> {
  const { sendAlert } = proxyActivities<Activities>({
    taskQueue: queue,
    startToCloseTimeout: '20 seconds',
    scheduleToCloseTimeout: '1 day',
    retry: {
      initialInterval: '1 second',
      backoffCoefficient: 2,
      maximumInterval: '30 minutes',
      nonRetryableErrorTypes: [...refusalCodes],
    },
  });
  try {
    await sendAlert(tenantId, alertId);
  } catch (e) {
    if (!(e instanceof ActivityFailure)) throw e;
    await CancellationScope.nonCancellable(() => rows.alertUndelivered(tenantId, alertId, wordsOf(e)));
  }
}

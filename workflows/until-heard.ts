import { ActivityFailure, CancellationScope, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities';
import { refusalCodes } from '../domain/errors';
import { wordsOf } from './kit';

/**
 * Tells of something until the receiver says that it has it: for a day, at longer and longer intervals. What came to nothing
 * is written down. The row says how it came out, so a second one finds that it is done. `queue`: where outside services are
 * spoken to.
 */
export async function untilHeard(
  queue: string,
  send: (activities: Pick<Activities, 'sendAlert' | 'sendGateNotice'>) => Promise<void>,
  givenUp: (why: string) => Promise<unknown>,
): Promise<void> {
  const activities = proxyActivities<Activities>({
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
    await send(activities);
  } catch (e) {
    if (!(e instanceof ActivityFailure)) throw e;
    await CancellationScope.nonCancellable(() => givenUp(wordsOf(e)));
  }
}

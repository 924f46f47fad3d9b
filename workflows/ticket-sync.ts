import {
  allHandlersFinished, condition, continueAsNew, defineSignal, defineUpdate, proxyActivities, setHandler, workflowInfo,
} from '@temporalio/workflow'; // prettier-ignore
import type { Activities } from '../activities';
import { refusalCodes } from '../domain/errors';
import type { RemoteRef, SyncOutcome } from '../domain/provider';
import { onUpdate, show } from './kit';
import { stateOf } from './messages';

export interface TicketSync {
  tenantId: string;
  ticketId: string;
  /** Where providers are spoken to. */
  queue: string;
  /** Of a ticket that has no row here yet. */
  ref: RemoteRef | null;
  /** How long the one before this was to wait until it tries again. */
  retryMs?: number;
}

/** Somebody wrote down that there is something to tell the provider, or that something changed there. */
export const syncAsked = defineSignal('syncAsked');
/** The same, and answers what came of it. An id tells who asks apart from others. */
export const synced = defineUpdate<SyncOutcome, [id: string]>('synced');
export const syncState = stateOf<SyncOutcome | null>();

/**
 * Everything that is said to a provider about one ticket, one thing after the other. What is to be said stands in the row:
 * whoever asks is answered from a look that began after they did, and many share one. What fails stays in the row, and is
 * tried again at longer and longer intervals until it comes out, or is no longer wanted.
 */
export async function ticketSync({ tenantId, ticketId, queue, ref, retryMs }: TicketSync): Promise<void> {
  const { syncTicket } = proxyActivities<Activities>({
    taskQueue: queue,
    startToCloseTimeout: '5 minutes',
    heartbeatTimeout: '6 seconds',
    retry: { initialInterval: '1 second', maximumInterval: '1 minute', nonRetryableErrorTypes: [...refusalCodes] },
  });
  let asked = 0;
  let done = 0;
  let last: SyncOutcome | null = null;
  let wait: number | null = retryMs ?? null;
  setHandler(syncState, () => last);
  setHandler(syncAsked, () => void (asked += 1));
  onUpdate(synced, async () => {
    const mine = (asked += 1);
    await condition(() => done >= mine);
    return last as SyncOutcome;
  });

  const isAsked = (): boolean => asked > done;
  for (;;) {
    if (wait === null) await condition(isAsked);
    else await condition(isAsked, wait);
    const upTo = asked;
    last = await syncTicket(tenantId, ticketId, ref);
    done = upTo;
    wait = last.retryMs;
    show(last.status, last.error ?? (last.did.join(', ') || 'looked at'));
    // Who was answered is done; who asked meanwhile waits for the next look.
    await condition(() => isAsked() || allHandlersFinished());
    if (isAsked()) continue;
    if (wait === null) return;
    if (workflowInfo().continueAsNewSuggested)
      await continueAsNew<typeof ticketSync>({ tenantId, ticketId, queue, ref, retryMs: wait });
  }
}

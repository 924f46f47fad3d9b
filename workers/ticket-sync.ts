import { WithStartWorkflowOperation, type WorkflowClient } from '@temporalio/client';
import { v7 } from 'uuid';
import { linkOf } from '../db/ticket-links';
import { isLeft, type SyncOutcome } from '../domain/provider';
import type { queuesOf } from '../domain/queues';
import type { Store } from '../log/store';
import { startOptions, ticketSyncStart } from '../workflows/start';
import { syncAsked, synced, type ticketSync } from '../workflows/ticket-sync';
import { oneByOne, type Reader } from './reader';

const sendMs = 5_000;
/** One look at one ticket, with what is to be told. */
const syncMs = 60_000;

type Queues = ReturnType<typeof queuesOf>;

/** Has a ticket looked after by its own process, and waits for what comes of it. */
export const askToSync =
  (temporal: WorkflowClient, queues: Queues) =>
  (tenantId: string, ticketId: string): Promise<SyncOutcome> => {
    const start = ticketSyncStart({ tenantId, ticketId, queue: queues.integrations, ref: null });
    const startWorkflowOperation = new WithStartWorkflowOperation<typeof ticketSync>(
      start.ref.kind,
      startOptions(start, queues.lifecycle),
    );
    const id = v7();
    return temporal.withDeadline(Date.now() + syncMs, () =>
      temporal.executeUpdateWithStart(synced, { startWorkflowOperation, updateId: id, args: [id] }),
    );
  };

/** Has tickets looked after whose provider is to be told something, wherever the API that wrote that down has ended since. */
export const ticketSyncs = (temporal: WorkflowClient, queues: Queues, store: Store, signal: AbortSignal): Reader => ({
  name: 'ticket sync',
  kinds: ['ticket.sync_requested'],
  // Until then it is its API's to ask.
  graceSeconds: 5,
  often: {
    pollMs: 1_000,
    longestWaitMs: 30_000,
    trouble: 'tickets could not be passed on to their provider; it is kept and tried again',
  },
  take: oneByOne(signal, async (tenantId, { subjectId: ticketId }) => {
    const link = await store.read(tenantId, (tx) => linkOf(tx, ticketId));
    // What was tried and failed has a process, which tries again.
    if (link === null || !isLeft(link) || link.nextTryAt !== null) return;
    const start = ticketSyncStart({ tenantId, ticketId, queue: queues.integrations, ref: null });
    await temporal.withDeadline(Date.now() + sendMs, () =>
      temporal.signalWithStart<typeof ticketSync, []>(start.ref.kind, {
        ...startOptions(start, queues.lifecycle),
        signal: syncAsked,
        signalArgs: [],
      }),
    );
  }),
});

import type { WorkflowClient } from '@temporalio/client';
import { linkOf } from '../db/ticket-links';
import type { queuesOf } from '../domain/queues';
import { startOptions, ticketSyncStart } from '../workflows/start';
import { syncAsked, type ticketSync } from '../workflows/ticket-sync';
import { readLog, type Around } from './reader';

const sendMs = 5_000;

/** Has tickets looked after whose provider is to be told something, wherever the API that wrote that down has ended since. */
export const startTicketSync = (
  temporal: WorkflowClient,
  queues: ReturnType<typeof queuesOf>,
  around: Around,
): Promise<void> =>
  readLog(
    {
      name: 'ticket sync',
      kinds: ['ticket.sync_requested'],
      often: {
        pollMs: 1_000,
        longestWaitMs: 30_000,
        trouble: 'tickets could not be passed on to their provider; it is kept and tried again',
      },
      async pass(tenantId, { subjectId: ticketId }) {
        const link = await around.store.read(tenantId, (tx) => linkOf(tx, ticketId));
        if (link === null || (link.push === null && link.closeReason === null)) return; // its API saw to it
        const start = ticketSyncStart({ tenantId, ticketId, queue: queues.integrations, ref: null });
        await temporal.withDeadline(Date.now() + sendMs, () =>
          temporal.signalWithStart<typeof ticketSync, []>(start.ref.kind, {
            ...startOptions(start, queues.lifecycle),
            signal: syncAsked,
            signalArgs: [],
          }),
        );
      },
    },
    around,
  );

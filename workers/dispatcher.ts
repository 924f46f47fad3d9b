import { WorkflowNotFoundError, type WorkflowClient } from '@temporalio/client';
import type { Logger } from 'pino';
import { moveCursor, readOn, takeCursor, tenantsBehind } from '../db/cursors';
import { untilOnDisk } from '../db/tx';
import type { Store } from '../log/store';
import { workflowId } from '../workflows/ids';
import { steer } from '../workflows/messages';
import { keepLooking } from './loop';

export interface Dispatcher {
  store: Store;
  temporal: WorkflowClient;
  logger: Logger;
  /** Aborted when the worker ends. */
  signal: AbortSignal;
}

const reader = 'steering';
const often = {
  pollMs: 500,
  longestWaitMs: 10_000,
  trouble: 'steering could not be passed on; it is kept and tried again',
};
/** Entries of the log that one transaction looks through. */
const window = 2_000;
const sendMs = 5_000;

/**
 * Passes on what was written first and must reach a workflow: every `steering.created` entry of every tenant's log, in
 * order, as the Signal `steer`. The cursor moves with what was sent, so a lost Signal is sent again; who gets it twice
 * ignores the repeat. Ends when `signal` is aborted, and never for another reason: trouble is waited out.
 */
export const startDispatcher = (d: Dispatcher): Promise<void> =>
  keepLooking(often, d.logger, d.signal, async () => {
    for (const tenantId of await tenantsBehind(d.store.pool, reader))
      while (!d.signal.aborted && (await dispatch(d, tenantId)));
  });

/** One window of one tenant's log. True when there is more. @throws what kept it from being sent, after what was sent is kept */
async function dispatch(d: Dispatcher, tenantId: string): Promise<boolean> {
  const { more, trouble } = await d.store.write(tenantId, async (tx) => {
    const from = await takeCursor(tx, reader);
    if (from === null) return { more: false, trouble: null }; // another worker is at it
    const { entries, end, last } = await readOn(tx, from, 'steering.created', window);
    if (entries.length) await untilOnDisk(d.store.pool);
    for (const [i, { runId, body }] of entries.entries()) {
      try {
        d.signal.throwIfAborted();
        await send(d, workflowId('agentRun', tenantId, runId), String(body['event_id']));
      } catch (trouble) {
        await moveCursor(tx, reader, (entries[i]?.seq ?? from + 1) - 1);
        return { more: false, trouble };
      }
    }
    await moveCursor(tx, reader, end);
    return { more: end < last, trouble: null };
  });
  if (trouble !== null && !d.signal.aborted)
    throw new Error(`a Signal of tenant ${tenantId} was not sent`, { cause: trouble });
  return more;
}

/** A run that has ended needs no telling. */
async function send({ temporal, logger }: Dispatcher, id: string, eventId: string): Promise<void> {
  try {
    await temporal.withDeadline(Date.now() + sendMs, () => temporal.getHandle(id).signal(steer, { id: eventId }));
  } catch (e) {
    if (!(e instanceof WorkflowNotFoundError)) throw e;
    logger.debug({ workflow: id, eventId }, 'the run to steer has ended');
  }
}

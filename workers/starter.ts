import { WorkflowExecutionAlreadyStartedError, type WorkflowClient } from '@temporalio/client';
import type { Logger } from 'pino';
import { gatesOpenedLongAgo, moveCursor, takeCursor, tenantsBehind } from '../db/cursors';
import { gates } from '../db/gates';
import { runs } from '../db/runs';
import { untilOnDisk, type Write } from '../db/tx';
import { isEnded } from '../domain/run';
import type { Store } from '../log/store';
import { workflowId } from '../workflows/ids';
import { gateStart, startOptions } from '../workflows/start';
import { keepLooking } from './loop';

export interface Starter {
  store: Store;
  temporal: WorkflowClient;
  /** Where workflows run. */
  taskQueue: string;
  logger: Logger;
  signal: AbortSignal;
}

const reader = 'gates';
const often = {
  pollMs: 2_000,
  longestWaitMs: 30_000,
  trouble: 'gates whose process may be missing could not be looked at; they are kept',
};
/** Until then it is its API's to start, and most of the gates that machines decide are over. */
const graceSeconds = 5;
/** Entries of the log that one transaction looks through. */
const window = 2_000;
/** Workflows that one question to the server's list is about. */
const asked = 100;
const sendMs = 5_000;

/**
 * A gate's row is written first and its workflow started right after it. Where the process died in between, this starts it:
 * every gate that is still as it was asked for after the grace and that the server's list does not have is started once more.
 * The list may be late: where the workflow runs after all, that does nothing.
 */
export const startStarter = (s: Starter): Promise<void> =>
  keepLooking(often, s.logger, s.signal, async () => {
    for (const tenantId of await tenantsBehind(s.store.pool, reader))
      while (!s.signal.aborted && (await startMissing(s, tenantId, graceSeconds)));
  });

/** One window of one tenant's log, up to what is older than the grace. True when there may be more. */
export const startMissing = (s: Starter, tenantId: string, graceSeconds: number): Promise<boolean> =>
  s.store.write(tenantId, async (tx) => {
    const from = await takeCursor(tx, reader);
    if (from === null) return false; // another worker is at it
    const { ids, end } = await gatesOpenedLongAgo(tx, from, window, graceSeconds);
    if (ids.length) await untilOnDisk(s.store.pool);
    for (let i = 0; i < ids.length; i += asked)
      for (const id of await unlisted(s.temporal, tenantId, ids.slice(i, i + asked))) await startOne(s, tx, id);
    if (end > from) await moveCursor(tx, reader, end);
    return end === from + window;
  });

/** Those of the gates whose workflow the server's list does not have. */
async function unlisted(temporal: WorkflowClient, tenantId: string, ids: readonly string[]): Promise<string[]> {
  const missing = new Map(ids.map((id) => [workflowId('approvalGate', tenantId, id), id]));
  const query = `WorkflowId in (${[...missing.keys()].map((id) => `'${id}'`).join(', ')})`;
  await temporal.withDeadline(Date.now() + sendMs, async () => {
    for await (const { workflowId: known } of temporal.list({ query, pageSize: asked })) missing.delete(known);
  });
  return [...missing.values()];
}

async function startOne({ temporal, taskQueue, logger }: Starter, tx: Write, id: string): Promise<void> {
  const gate = await gates.byId(tx, id);
  if (!gate) return;
  const run = gate.runId === null ? null : await runs.byId(tx, gate.runId);
  const start = gateStart(gate, run && !isEnded(run) ? run : null);
  try {
    const options = { ...startOptions<unknown[]>(start, taskQueue), workflowIdConflictPolicy: 'FAIL' as const };
    await temporal.withDeadline(Date.now() + sendMs, () => temporal.start(start.ref.kind, options));
    logger.warn({ gate: id }, 'a gate had no process: its API ended before it was started');
  } catch (e) {
    if (!(e instanceof WorkflowExecutionAlreadyStartedError)) throw e;
  }
}

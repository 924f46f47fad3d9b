import { WorkflowExecutionAlreadyStartedError, type WorkflowClient } from '@temporalio/client';
import type { Logger } from 'pino';
import { gates } from '../db/gates';
import { runs } from '../db/runs';
import type { Write } from '../db/tx';
import type { Gate } from '../domain/gate';
import { isEnded } from '../domain/run';
import { workflowId } from '../workflows/ids';
import { gateStart, startOptions } from '../workflows/start';
import type { Reader } from './reader';

interface Starter {
  temporal: WorkflowClient;
  /** Where workflows run. */
  taskQueue: string;
  logger: Logger;
}

/** Workflows that one question to the server's list is about. */
const asked = 100;
const sendMs = 5_000;

/**
 * A gate's row is written first and its workflow started right after it. Where the process died in between, this starts it:
 * every gate that is still as it was asked for after the grace and that the server's list does not have is started once more.
 * The list may be late: where the workflow runs after all, that does nothing.
 */
export const starter = (s: Starter): Reader => ({
  name: 'gates',
  kinds: ['gate.requested'],
  // Until then it is its API's to start, and most of the gates that machines decide are over.
  graceSeconds: 5,
  often: {
    pollMs: 2_000,
    longestWaitMs: 30_000,
    trouble: 'gates whose process may be missing could not be looked at; they are kept',
  },
  async take(tx, entries) {
    const ids = entries.map((e) => e.subjectId);
    const unmoved = await gates.list(tx, `where id = any($1) and status = 'pending' and version = 1`, [ids]);
    for (let i = 0; i < unmoved.length; i += asked)
      for (const gate of await unlisted(s.temporal, unmoved.slice(i, i + asked))) await startOne(s, tx, gate);
  },
});

/** Those of the gates whose workflow the server's list does not have. */
async function unlisted(temporal: WorkflowClient, some: readonly Gate[]): Promise<Gate[]> {
  const missing = new Map(some.map((gate) => [workflowId('approvalGate', gate.tenantId, gate.id), gate]));
  const query = `WorkflowId in (${[...missing.keys()].map((id) => `'${id}'`).join(', ')})`;
  await temporal.withDeadline(Date.now() + sendMs, async () => {
    for await (const { workflowId: known } of temporal.list({ query, pageSize: asked })) missing.delete(known);
  });
  return [...missing.values()];
}

async function startOne({ temporal, taskQueue, logger }: Starter, tx: Write, gate: Gate): Promise<void> {
  const run = gate.runId === null ? null : await runs.byId(tx, gate.runId);
  const start = gateStart(gate, run && !isEnded(run) ? run : null);
  try {
    const options = { ...startOptions<unknown[]>(start, taskQueue), workflowIdConflictPolicy: 'FAIL' as const };
    await temporal.withDeadline(Date.now() + sendMs, () => temporal.start(start.ref.kind, options));
    logger.warn({ gate: gate.id }, 'a gate had no process: its API ended before it was started');
  } catch (e) {
    if (!(e instanceof WorkflowExecutionAlreadyStartedError)) throw e;
  }
}

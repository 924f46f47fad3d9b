import { WorkflowExecutionAlreadyStartedError, type WorkflowClient } from '@temporalio/client';
import type { Logger } from 'pino';
import { gates } from '../db/gates';
import { runs } from '../db/runs';
import type { Write } from '../db/tx';
import type { Gate } from '../domain/gate';
import { isEnded } from '../domain/run';
import { workflowId } from '../workflows/ids';
import { gateStart, startOptions } from '../workflows/start';
import { lateAfter, type Reader } from './reader';

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
    const late = lateAfter();
    const ids = entries.map((e) => e.subjectId);
    const rows = await gates.list(tx, `where id = any($1) and status = 'pending' and version = 1`, [ids]);
    const unmoved = new Map(rows.map((gate) => [gate.id, gate]));
    const waiting = entries.flatMap(({ seq, subjectId }) => {
      const gate = unmoved.get(subjectId);
      return gate ? [{ seq, gate }] : [];
    });
    for (let i = 0; i < waiting.length; i += asked) {
      const some = waiting.slice(i, i + asked);
      const missing = await unlisted(s.temporal, some.map(({ gate }) => gate)); // prettier-ignore
      for (const { seq, gate } of some) {
        if (missing.has(gate.id)) await startOne(s, tx, gate);
        if (late()) return seq;
      }
    }
    return null;
  },
});

/** Those of the gates, by id, whose workflow the server's list does not have. */
async function unlisted(temporal: WorkflowClient, some: readonly Gate[]): Promise<Set<string>> {
  const missing = new Map(some.map(({ tenantId, id }) => [workflowId('approvalGate', tenantId, id), id]));
  const query = `WorkflowId in (${[...missing.keys()].map((id) => `'${id}'`).join(', ')})`;
  await temporal.withDeadline(Date.now() + sendMs, async () => {
    for await (const { workflowId: known } of temporal.list({ query, pageSize: asked })) missing.delete(known);
  });
  return new Set(missing.values());
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

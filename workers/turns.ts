import { WorkflowNotFoundError, type WorkflowClient } from '@temporalio/client';
import { turns } from '../db/turns';
import { workflowId } from '../workflows/ids';
import { turn } from '../workflows/messages';
import type { Reader } from './reader';

const sendMs = 5_000;

/** Calls the runs whose turn it is, as soon as the log says that one works no more, or that more may. */
export const turnCaller = (temporal: WorkflowClient): Reader => ({
  name: 'turns',
  kinds: ['run.waiting', 'run.finished', 'run.failed', 'run.stopped', 'run.terminated', 'runtime.configured', 'agent.updated'],
  often: { pollMs: 250, longestWaitMs: 10_000, trouble: 'runs that wait for their turn could not be called; it is tried again' },
  async take(tx) {
    const ids = await turns(tx);
    await Promise.all(ids.map((id) => call(temporal, workflowId('agentRun', tx.tenantId, id))));
    return null;
  },
}); // prettier-ignore

/** One that is gone is the sweep's: it ends the run, and that is told here again. */
async function call(temporal: WorkflowClient, id: string): Promise<void> {
  try {
    await temporal.withDeadline(Date.now() + sendMs, () => temporal.getHandle(id).signal(turn));
  } catch (e) {
    if (!(e instanceof WorkflowNotFoundError)) throw e;
  }
}

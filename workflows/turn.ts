import { ParentClosePolicy, condition, setHandler, sleep, startChild } from '@temporalio/workflow';
import type { RecordedRun } from '../activities';
import type { Run } from '../domain/run';
import { workflowId } from './ids';
import { attributes, workflowTaskTimeout } from './kit';
import { turn } from './messages';
import type { RunInput } from './run-input';

/**
 * More runs may be spawned than may work at once: each asks whether it is its turn, and where it is not, again when it is
 * called. The row decides, so a call that comes twice, or too late, does nothing. One that is not to run before a time asks then.
 */
export function hearTurn(notBefore: string | null): (begin: () => Promise<boolean>) => Promise<void> {
  let called = 0;
  setHandler(turn, () => void (called += 1));
  return async (begin) => {
    if (notBefore !== null) await sleep(Math.max(1, Date.parse(notBefore) - Date.now()));
    for (;;) {
      const before = called;
      if (await begin()) return;
      await condition(() => called !== before);
    }
  };
}

/** The next attempt at a task, if there is one: its row was written with the end of the one before, its workflow is its own. */
export async function startNext(
  { gateTtlMs, leaseMs, queues, retriedByParent }: RunInput,
  next: RecordedRun['next'],
): Promise<void> {
  if (!next || retriedByParent) return;
  const { run, order } = next;
  await startChild<(input: RunInput) => Promise<Run>>('agentRun', {
    workflowId: workflowId('agentRun', run.tenantId, run.id),
    args: [{ run, order, gateTtlMs, leaseMs, queues }],
    workflowTaskTimeout,
    parentClosePolicy: ParentClosePolicy.ABANDON,
    staticSummary: `Attempt ${order.attempt} at task ${order.number}`,
    typedSearchAttributes: attributes('agentRun', run),
  });
}

import { v5 } from 'uuid';
import { agentById } from '../../db/agents';
import { runs } from '../../db/runs';
import { attemptAt, orderOf } from '../../db/task-orders';
import type { Read } from '../../db/tx';
import { inactiveReason } from '../../domain/agent';
import { system } from '../../domain/principal';
import type { Run } from '../../domain/run';
import { nextAttempt, type TaskOrder } from '../../domain/task-order';

/** The run of an attempt after the first. */
export const attemptRunId = (taskId: string, attempt: number): string => v5(`attempt:${attempt}`, taskId);

interface Attempt {
  run: Run;
  order: TaskOrder;
}

/** The next attempt at the task of a run that failed, where its agent may try again. */
export async function attemptAfter(tx: Read, failed: Run): Promise<Attempt | null> {
  const order = await orderOf(tx, failed.id);
  const agent = order && (await agentById(tx, failed.agentId));
  if (!order || !agent || inactiveReason(agent) !== null) return null;
  const at = failed.finishedAt ?? new Date().toISOString();
  return nextAttempt(failed, order, attemptRunId(order.taskId, order.attempt + 1), system, at);
}

/** The one that came after a run, for a workflow that died before it had heard of it. */
export async function standingAfter(tx: Read, run: Run): Promise<Attempt | null> {
  const order = run.status === 'failed' ? await orderOf(tx, run.id) : null;
  const id = order && (await attemptAt(tx, order.taskId, order.attempt + 1));
  if (!id) return null;
  const [next, of] = [await runs.byId(tx, id), await orderOf(tx, id)];
  return next && of ? { run: next, order: of } : null;
}

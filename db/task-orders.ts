import type { TaskOrder } from '../domain/task-order';
import { TaskOrderSchema } from '../domain/task-order.schema';
import { prepared } from './prepared';
import type { Read } from './tx';

const columns = `task_id as "taskId", number, attempt, retries, kind, priority, payload, run_at as "runAt", created_at as "createdAt"`;

/** With its run, whose number the task has if it is the first attempt at it. */
export const insertOrder = (tx: Read, run: { id: string; taskNumber: number }, o: TaskOrder): Promise<unknown> =>
  tx.query(
    `with older as (update task_orders set superseded = true where task_id = $3 and attempt < $5)
     insert into task_orders (run_id, tenant_id, task_id, number, attempt, retries, kind, priority, payload, run_at, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict do nothing`,
    [
      run.id, tx.tenantId, o.taskId, o.number || run.taskNumber, o.attempt, o.retries, o.kind, o.priority, o.payload, o.runAt, o.createdAt,
    ], // prettier-ignore
  );

/** What was asked for of a run; null: it is no task's. */
export async function orderOf(tx: Read, runId: string): Promise<TaskOrder | null> {
  const { rows } = await prepared(tx, `select ${columns} from task_orders where run_id = $1`, [runId]);
  return rows[0] ? TaskOrderSchema.parse(rows[0]) : null;
}

/** The run of an attempt at a task; null: it was not tried so often. */
export async function attemptAt(tx: Read, taskId: string, attempt: number): Promise<string | null> {
  const { rows } = await tx.query<{ run_id: string }>(
    'select run_id from task_orders where task_id = $1 and attempt = $2',
    [taskId, attempt],
  );
  return rows[0]?.run_id ?? null;
}

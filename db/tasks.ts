import { z } from 'zod';
import { InstantSchema, JsonObject } from '../domain/common.schema';
import { taskPriorities, taskStatuses, type TaskPriority, type TaskStatus } from '../domain/task-order';
import { conditions } from './paging';
import { prepared } from './prepared';
import type { Read } from './tx';

/** By the status of a run. */
const statuses: Record<TaskStatus, string> = {
  pending: `r.status = 'spawned'`,
  running: `r.status in ('running', 'pending_approval', 'awaiting_access', 'awaiting_user_response', 'blocked')`,
  completed: `r.status = 'finished'`,
  failed: `r.status in ('failed', 'stopped', 'terminated')`,
};
const caseOf = Object.entries(statuses)
  .map(([status, is]) => `when ${is} then '${status}'`)
  .join(' ');

/** A run as a task: what was asked for, or, where another door began it, what its ticket says. */
const Task = z.object({
  runId: z.uuid(),
  taskId: z.uuid(),
  number: z.int(),
  agent: z.int(),
  kind: z.string(),
  status: z.enum(taskStatuses),
  priority: z.enum(taskPriorities),
  payload: JsonObject.nullable(),
  progress: z.int(),
  attempt: z.int(),
  retries: z.int(),
  runAt: InstantSchema.nullable(),
  createdAt: InstantSchema,
  startedAt: InstantSchema.nullable(),
  finishedAt: InstantSchema.nullable(),
  result: z.string().nullable(),
  error: z.string().nullable(),
});
export type Task = z.output<typeof Task>;

const priority = `coalesce(o.priority, case substring(t.priority from '^[Pp]?([1-4])$')
  when '1' then 'critical' when '2' then 'high' when '4' then 'low' else 'medium' end)`;
/** The last attempt at each. */
const from = `from runs r join agents a on a.id = r.agent_id join tickets t on t.id = r.ticket_id
  left join task_orders o on o.run_id = r.id`;
const last = 'o.superseded is not true';
const select = `select r.id as "runId", coalesce(o.task_id, r.id) as "taskId", coalesce(o.number, r.task_number) as number, a.number as agent,
    coalesce(o.kind, r.task_type) as kind, case ${caseOf} end as status, ${priority} as priority, o.payload, r.progress,
    coalesce(o.attempt, 1) as attempt, coalesce(o.retries, 0) as retries, o.run_at as "runAt",
    coalesce(o.created_at, r.created_at) as "createdAt", r.started_at as "startedAt", r.finished_at as "finishedAt", r.result, r.error
  ${from}`;

export interface TaskFilter {
  /** The only ticket whose runs the caller may see. */
  only: string | null;
  agent: number | null;
  status: TaskStatus | null;
  priority: TaskPriority | null;
  createdAfter: string | null;
  createdBefore: string | null;
}

/** Newest first, by their last attempts. */
export async function listTasks(
  tx: Read,
  f: TaskFilter,
  limit: number,
  offset: number,
): Promise<{ tasks: Task[]; total: number }> {
  const where = conditions();
  where.add((p) => `r.ticket_id = ${p}`, f.only);
  where.add((p) => `a.number = ${p}`, f.agent);
  where.add((p) => `${priority} = ${p}`, f.priority);
  where.add((p) => `coalesce(o.created_at, r.created_at) > ${p}`, f.createdAfter);
  where.add((p) => `coalesce(o.created_at, r.created_at) < ${p}`, f.createdBefore);
  const fits = `where ${last} and ${f.status === null ? 'true' : statuses[f.status]} and ${where.text()}`;
  const { rows } = await tx.query(
    `${select} ${fits} order by r.number desc limit ${limit} offset ${offset}`,
    where.params,
  );
  const counted = await tx.query<{ total: number }>(`select count(*)::int as total ${from} ${fits}`, where.params);
  return { tasks: rows.map((r) => Task.parse(r)), total: counted.rows[0]?.total ?? 0 };
}

/** Null for one that is not there, or that is another attempt's. */
export async function taskByNumber(tx: Read, number: number, only: string | null): Promise<Task | null> {
  const { rows } = await prepared(
    tx,
    `${select} where r.id = coalesce(
         (select run_id from task_orders where number = $1 order by attempt desc limit 1),
         (select x.id from runs x where x.task_number = $1 and not exists (select from task_orders where run_id = x.id)))
       and ($2::uuid is null or r.ticket_id = $2)`,
    [number, only],
  );
  return rows[0] ? Task.parse(rows[0]) : null;
}

/** Tasks that were asked for as such, by the runs of their first attempts: oldest last attempt first. */
export async function tasksById(tx: Read, taskIds: readonly string[]): Promise<Task[]> {
  const { rows } = await tx.query(
    `${select} where r.id in (select run_id from task_orders where task_id = any($1) and not superseded) order by r.number`,
    [taskIds],
  );
  return rows.map((r) => Task.parse(r));
}

export async function taskOfRun(tx: Read, runId: string): Promise<Task | null> {
  const { rows } = await prepared(tx, `${select} where r.id = $1`, [runId]);
  return rows[0] ? Task.parse(rows[0]) : null;
}

/**
 * The run of a task that a claim of it was about: claims of later attempts have higher tokens. Null: there is no such task.
 */
export async function attemptHeld(
  tx: Read,
  number: number,
  token: number,
): Promise<{ id: string; ticketId: string } | null> {
  const { rows } = await tx.query<{ id: string; ticketId: string }>(
    `select r.id, r.ticket_id as "ticketId" from runs r left join task_orders o on o.run_id = r.id
     where o.number = $1 or (o.run_id is null and r.task_number = $1)
     order by not exists (select from remote_tasks t where t.run_id = r.id and t.token >= $2),
       case when exists (select from remote_tasks t where t.run_id = r.id and t.token >= $2) then o.attempt else -o.attempt end
     limit 1`,
    [number, token],
  );
  return rows[0] ?? null;
}

/** The integers by which the door knows a run as a task; they never change. */
export async function taskNumbers(tx: Read, runId: string): Promise<{ task: number; agent: number } | null> {
  const { rows } = await prepared<{ task: number; agent: number }>(
    tx,
    `select coalesce(o.number, r.task_number) as task, a.number as agent from runs r join agents a on a.id = r.agent_id
       left join task_orders o on o.run_id = r.id where r.id = $1`,
    [runId],
  );
  return rows[0] ?? null;
}

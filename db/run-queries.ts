import { z } from 'zod';
import { InstantSchema, JsonObject } from '../domain/common.schema';
import type { AccessState } from '../domain/harness';
import { activeStatuses, endedStatuses, type Run, type RunStatus } from '../domain/run';
import { RunSchema } from '../domain/run.schema';
import { ticketStatuses } from '../domain/ticket';
import { runs } from './runs';
import { prepared } from './prepared';
import type { Read } from './tx';

/** A run with what a door shows of its ticket and of the time that people took to decide. */
const Row = RunSchema.extend({
  heartbeat: InstantSchema,
  ticketNumber: z.int(),
  ticketTitle: z.string(),
  ticketStatus: z.enum(ticketStatuses),
  ticketRef: z.string().nullable(),
  gateWaitSeconds: z.number(),
  /** Of its command, the last that was launched: where it works, and its process while it has one. */
  workDir: z.string().nullable(),
  pid: z.int().nullable(),
  /** From 1: one more for each time that its command met trouble that passes. */
  attempts: z.int(),
});
export type RunView = z.output<typeof Row>;

const select = `select ${runs.columns('r')}, r.heartbeat, t.number as "ticketNumber", t.title as "ticketTitle",
    t.status as "ticketStatus", t.provider_ref as "ticketRef",
    (select coalesce(sum(extract(epoch from coalesce(g.decided_at, now()) - g.requested_at)), 0)::float8 from gates g
      where g.run_id = r.id and g.access_request_id is null and (g.decided_at is not null or g.status = 'pending')) as "gateWaitSeconds",
    p.work_dir as "workDir", case when p.ended_at is null then p.pid end as pid,
    (select 1 + count(*)::int from agent_processes a where a.run_id = r.id and a.outcome ->> 'is' = 'again') as attempts
  from runs r join tickets t on t.id = r.ticket_id
    left join lateral (select work_dir, pid, ended_at from agent_processes where run_id = r.id order by launch desc limit 1) p on true`;

export interface RunFilter {
  /** The only ticket whose agents the caller may see. */
  only: string | null;
  /** Null: any. */
  statuses: readonly RunStatus[] | null;
  ticket: number | null;
  agent: number | null;
}

export async function listRuns(
  tx: Read,
  f: RunFilter,
  limit: number,
  offset: number,
): Promise<{ runs: RunView[]; total: number }> {
  const where = `where ($1::uuid is null or r.ticket_id = $1) and ($2::text[] is null or r.status = any($2))
    and ($3::int is null or t.number = $3) and ($4::int is null or r.number = $4)`;
  const params = [f.only, f.statuses, f.ticket, f.agent];
  const { rows } = await tx.query(`${select} ${where} order by r.number desc limit $5 offset $6`, [
    ...params,
    limit,
    offset,
  ]);
  const counted = await tx.query<{ total: number }>(
    `select count(*) as total from runs r join tickets t on t.id = r.ticket_id ${where}`,
    params,
  );
  return { runs: rows.map((r) => Row.parse(r)), total: counted.rows[0]?.total ?? 0 };
}

export async function activeRuns(tx: Read, only: string | null): Promise<RunView[]> {
  const { rows } = await tx.query(
    `${select} where r.status = any($1) and ($2::uuid is null or r.ticket_id = $2) order by r.number desc limit 1000`,
    [activeStatuses, only],
  );
  return rows.map((r) => Row.parse(r));
}

/** How many wait for a worker, work, and wait for people. */
export async function runCounts(
  tx: Read,
  only: string | null,
): Promise<{ queued: number; running: number; waiting: number }> {
  const { rows } = await tx.query<{ queued: number; running: number; waiting: number }>(
    `select count(*) filter (where status = 'spawned') as queued, count(*) filter (where status = 'running') as running,
       count(*) filter (where status <> all($1)) as waiting
     from runs where status <> all($2) and ($3::uuid is null or ticket_id = $3)`,
    [activeStatuses, endedStatuses, only],
  );
  return rows[0] ?? { queued: 0, running: 0, waiting: 0 };
}

export interface RunStats {
  total: number;
  active: number;
  finished: number;
  /** By itself, or because people ended it. */
  failed: number;
  /** Of those that finished, from their first move to the last. */
  seconds: number | null;
}
export async function runStats(tx: Read, only: string | null): Promise<RunStats> {
  const { rows } = await tx.query<{ [K in keyof RunStats]: RunStats[K] }>(
    `select count(*) as total, count(*) filter (where status = any($1)) as active,
       count(*) filter (where status = 'finished') as finished,
       count(*) filter (where status in ('failed', 'stopped', 'terminated')) as failed,
       avg(extract(epoch from finished_at - started_at)) filter (where status = 'finished')::float8 as seconds
     from runs where $2::uuid is null or ticket_id = $2`,
    [activeStatuses, only],
  );
  return rows[0] ?? { total: 0, active: 0, finished: 0, failed: 0, seconds: null };
}

export async function runByNumber(tx: Read, number: number): Promise<RunView | null> {
  const { rows } = await tx.query(`${select} where r.number = $1`, [number]);
  return rows[0] ? Row.parse(rows[0]) : null;
}

export async function runByTask(tx: Read, number: number): Promise<RunView | null> {
  const { rows } = await tx.query(`${select} where r.task_number = $1`, [number]);
  return rows[0] ? Row.parse(rows[0]) : null;
}

/** The newest agents of a ticket. */
export async function runsOfTicket(tx: Read, ticketId: string, limit: number): Promise<RunView[]> {
  const { rows } = await prepared(tx, `${select} where r.ticket_id = $1 order by r.number desc limit $2`, [
    ticketId,
    limit,
  ]);
  return rows.map((r) => Row.parse(r));
}

/** Agents of a ticket that have not ended, waiting ones included; the one that works on the ticket first. */
export const aliveRuns = (tx: Read, ticketId: string): Promise<Run[]> =>
  runs.list(tx, `where ticket_id = $1 and not status = any($2) order by task_type <> 'ticket_resolution', number`, [
    ticketId,
    endedStatuses,
  ]);

/** What an agent works on, on any ticket. */
export const aliveRunsOf = (tx: Read, agentId: string): Promise<Run[]> =>
  runs.list(tx, 'where agent_id = $1 and not status = any($2) order by number', [agentId, endedStatuses]);

/** A sign of life, from outside; null: it has ended. */
export async function beat(tx: Read, runId: string): Promise<Run | null> {
  const { rows } = await tx.query(
    `update runs set heartbeat = now() where id = $1 and not status = any($2) returning ${runs.columns()}`,
    [runId, endedStatuses],
  );
  return rows[0] ? runs.parse(rows[0]) : null;
}

/** Those of a ticket, held: none of them ends before this transaction does, so that each sees at its end what is written for it here. */
export const heldRuns = (tx: Read, ticketId: string): Promise<Run[]> =>
  runs.list(tx, `where ticket_id = $1 and not status = any($2) order by number for share`, [ticketId, endedStatuses]);

/** Stops every further call of the run at stage 1. True when nobody had before. */
export async function fence(tx: Read, runId: string, reason: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    'insert into run_fences (run_id, tenant_id, reason) values ($1, $2, $3) on conflict do nothing',
    [runId, tx.tenantId, reason],
  );
  return rowCount === 1;
}

export interface Standing {
  /** Why no call of the run passes any more. */
  fence: string | null;
  /** People have said something that the agent has not been told. */
  said: boolean;
  /** It has been told something that it has not answered. */
  unanswered: boolean;
  access: AccessState[];
}

/** What stands around a run. */
export async function standingOf(tx: Read, runId: string): Promise<Standing> {
  const { rows } = await tx.query<{ [K in keyof Standing]: Standing[K] }>(
    `select
       (select reason from run_fences where run_id = $1) as fence,
       exists (select from steering_events where run_id = $1 and status = 'pending') as said,
       exists (select from steering_events where run_id = $1 and status = 'delivered') as unanswered,
       (select coalesce(jsonb_agg(jsonb_build_object('system', coalesce(a.lease ->> 'system', a.resource), 'status', a.status,
            'credentialRef', l.credential_ref) order by a.number), '[]')
          from access_requests a
          left join leases l on l.access_request_id = a.id and l.status = 'active' and l.expires_at > now()
          where a.run_id = $1) as access`,
    [runId],
    'standing of a run',
  );
  const [standing] = rows;
  if (!standing) throw new Error('a select without a from gives one row');
  return standing;
}

export interface LogLine {
  at: string;
  kind: string;
  tool: string | null;
  decision: string;
  why: string | null;
}

/** What a run did, the last lines in order: its governed calls, and what the log says besides them. */
export async function runLines(tx: Read, runId: string, lines: number): Promise<LogLine[]> {
  const { rows } = await tx.query<Omit<LogLine, 'at'> & { at: Date }>(
    `select at, kind, tool, decision, why from (
       select at, kind, tool, decision, reason as why, seq as place from log where run_id = $1 and kind not like 'execution.%'
       union all
       select started_at, 'execution', tool, decision, coalesce(why, error), step from executions where owner_id = $1
     ) lines order by at desc, place desc limit $2`,
    [runId, lines],
  );
  return rows.reverse().map((r) => ({ ...r, at: r.at.toISOString() }));
}

const Entry = z.object({
  seq: z.number(),
  at: InstantSchema,
  kind: z.string(),
  actor: z.object({ name: z.string() }),
  subjectKind: z.string(),
  subjectId: z.string(),
  decision: z.string(),
  reason: z.string().nullable(),
  body: JsonObject,
});
export type RunEntry = z.output<typeof Entry>;

/** The newest entries of the log about a run. */
export async function runEntries(tx: Read, runId: string, limit: number): Promise<RunEntry[]> {
  const { rows } = await tx.query(
    `select seq, at, kind, actor, subject_kind as "subjectKind", subject_id as "subjectId", decision, reason, body
     from log where run_id = $1 order by seq desc limit $2`,
    [runId, limit],
  );
  return rows.map((r) => Entry.parse(r));
}

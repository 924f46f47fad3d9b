import { AgentProcessSchema } from '../domain/agent-process.schema';
import type { AgentProcess, CommandOutcome } from '../domain/agent-process';
import { endedStatuses } from '../domain/run';
import { entity } from './entity';
import type { Read } from './tx';

export const agentProcesses = entity('agent_processes', AgentProcessSchema, ['launchedAt', 'attendedAt']);

/** What was written of a launch before it began. */
export type NewLaunch = Pick<
  AgentProcess,
  | 'id' | 'runId' | 'launch' | 'harness' | 'program' | 'host' | 'place' | 'workDir' | 'logPath' | 'stateDir' | 'keyId'
  | 'readTo'
>; // prettier-ignore

/** Null when the run has a command that has not ended. */
export const insertLaunch = (tx: Read, launch: NewLaunch): Promise<AgentProcess | null> =>
  agentProcesses.insert(tx, {
    ...launch, tenantId: tx.tenantId, launchedAt: '', attendedAt: '', pid: null, pgid: null, pidStarted: null, startedAt: null, endedAt: null,
    exitCode: null, signal: null, endLimit: null, endReason: null, outcome: null, outputBytes: 0, rssBytes: 0, peakBytes: 0, said: null,
    saidFailed: false, lines: [], tail: '',
  }); // prettier-ignore

export async function launchOf(tx: Read, runId: string, launch: number): Promise<AgentProcess | null> {
  const [found] = await agentProcesses.list(tx, 'where run_id = $1 and launch = $2', [runId, launch]);
  return found ?? null;
}

/** The newest of a run, over or not. */
export async function lastLaunch(tx: Read, runId: string): Promise<AgentProcess | null> {
  const [last] = await agentProcesses.list(tx, 'where run_id = $1 order by launch desc limit 1', [runId]);
  return last ?? null;
}

/** Of runs that the asker may see, those whose commands have not ended. */
export const liveProcesses = (
  tx: Read,
  onlyTicket: string | null,
): Promise<(AgentProcess & { taskNumber: number })[]> =>
  tx
    .query<{ task_number: number }>(
      `select ${agentProcesses.columns('p')}, r.task_number from agent_processes p join runs r on r.id = p.run_id
       where p.ended_at is null and ($1::uuid is null or r.ticket_id = $1) order by r.task_number limit 1000`,
      [onlyTicket],
    )
    .then(({ rows }) => rows.map((row) => ({ ...agentProcesses.parse(row), taskNumber: row.task_number })));

export async function countLive(tx: Read, onlyTicket: string | null): Promise<Record<string, number>> {
  const { rows } = await tx.query<{ harness: string; n: number }>(
    `select p.harness, count(*) as n from agent_processes p join runs r on r.id = p.run_id
     where p.ended_at is null and ($1::uuid is null or r.ticket_id = $1) group by 1`,
    [onlyTicket],
  );
  return Object.fromEntries(rows.map((r) => [r.harness, r.n]));
}

/** Says before it begins that somebody is about to see to that. False: it is over. */
export async function holdLaunch(tx: Read, id: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    'update agent_processes set attended_at = now() where id = $1 and ended_at is null',
    [id],
  );
  return rowCount === 1;
}

/** Says why it is about to be made to end, before it is: whoever finds it ended knows. False: it is over. */
export async function sayWhyEnded(tx: Read, id: string, why: string): Promise<boolean> {
  const { rowCount } = await tx.query('update agent_processes set end_reason = $2 where id = $1 and ended_at is null', [
    id,
    why,
  ]);
  return rowCount === 1;
}

export const markStarted = (
  tx: Read,
  id: string,
  { pid, started }: { pid: number; started: number },
): Promise<unknown> =>
  tx.query(
    `update agent_processes set pid = $2, pgid = $2, pid_started = $3, started_at = now() where id = $1 and started_at is null`,
    [id, pid, started],
  );

export interface Seen {
  readTo: number;
  said: string | null;
  saidFailed: boolean;
  outputBytes: number;
  rssBytes: number;
  lines: string[];
  tail: string;
}

/**
 * Says that it is attended to, what was seen of it, and until when its key is good; and of its run, that it lives. False:
 * its launch is over, as the row has it.
 */
export async function attendTo(tx: Read, p: Pick<AgentProcess, 'id' | 'runId' | 'keyId'>, seen: Seen, keyMs: number): Promise<boolean> {
  const { rowCount } = await tx.query(
    `with attended as (
       update agent_processes set attended_at = now(), read_to = $2, said = $3, said_failed = $4, output_bytes = $5, rss_bytes = $6,
         peak_bytes = greatest(peak_bytes, $6), lines = $7, tail = $8
       where id = $1 and ended_at is null returning id
     ), renewed as (
       update api_keys set expires_at = now() + make_interval(secs => $10) where id = $9 and revoked_at is null
     ), alive as (
       update runs set heartbeat = now() where id = $11
     ) select from attended`,
    [
      p.id, seen.readTo, seen.said, seen.saidFailed, seen.outputBytes, seen.rssBytes, seen.lines, seen.tail, p.keyId, keyMs / 1000, p.runId,
    ],
  );
  return rowCount === 1;
} // prettier-ignore

export interface Ended {
  exitCode: number | null;
  signal: string | null;
  endLimit: string | null;
  endReason: string | null;
  outcome: CommandOutcome;
  outputBytes: number | null;
  peakBytes: number | null;
  /** The end of its log, where it can be read. */
  tail: string | null;
}

/** Once. False when somebody else has said so already. */
export async function markEnded(tx: Read, id: string, e: Ended): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update agent_processes set ended_at = now(), exit_code = $2, signal = $3, end_limit = $4, end_reason = $5,
       output_bytes = coalesce($6, output_bytes), peak_bytes = greatest(peak_bytes, coalesce($7, 0)), outcome = $8, tail = coalesce($9, tail),
       rss_bytes = 0, lines = '{}'
     where id = $1 and ended_at is null`,
    [id, e.exitCode, e.signal, e.endLimit, e.endReason, e.outputBytes, e.peakBytes, JSON.stringify(e.outcome), e.tail],
  );
  return rowCount === 1;
}

/** Launches that nobody has attended to for so long though their runs are over. Where `place` is given, those there. */
export const leftOver = (tx: Read, seconds: number, place: string | null, limit: number): Promise<AgentProcess[]> =>
  agentProcesses.list(
    tx,
    `where ended_at is null and ($2::text is null or place = $2) and attended_at < now() - make_interval(secs => $1)
       and exists (select from runs r where r.id = run_id
         and (r.status = any($3) or exists (select from run_fences f where f.run_id = r.id)))
     order by attended_at limit $4`,
    [seconds, place, endedStatuses, limit],
  );

/** How far a run is: it never falls. */
export const raiseProgress = (tx: Read, runId: string, progress: number): Promise<unknown> =>
  tx.query('update runs set progress = $2 where id = $1 and progress < $2 and not status = any($3)', [
    runId,
    progress,
    endedStatuses,
  ]);

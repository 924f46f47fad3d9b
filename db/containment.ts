import { endedStatuses } from '../domain/run';
import type { Read } from './tx';

/** A run that was under way when the kill switch was engaged, and what of it is not known to have stopped. */
export interface RunUnderWay {
  id: string;
  number: number;
  ticket: number | null;
  agent: string;
  /** It began a call of an outside tool that nothing is recorded of. */
  calling: boolean;
  /** A command of it runs on a machine, and does there what no stage sees. */
  process: boolean;
  /** An agent elsewhere holds its task. */
  elsewhere: boolean;
}

/** Those that have not ended, in order. */
export async function runsUnderWay(tx: Read): Promise<RunUnderWay[]> {
  const { rows } = await tx.query<{ [K in keyof RunUnderWay]: RunUnderWay[K] }>(
    `select r.id, r.number, t.number as ticket, a.name as agent,
       exists (select from execution_attempts x where x.owner_id = r.id
         and not exists (select from executions e where e.owner_id = x.owner_id and e.step = x.step)) as calling,
       exists (select from agent_processes p where p.run_id = r.id and p.ended_at is null) as process,
       exists (select from remote_tasks k where k.run_id = r.id and k.ended_at is null and k.holder is not null) as elsewhere
     from runs r join agents a on a.id = r.agent_id left join tickets t on t.id = r.ticket_id
     where not r.status = any($1) order by r.number`,
    [endedStatuses],
  );
  return rows;
}

/** A call of no run that has begun an outside effect. */
export interface CallUnderWay {
  id: string;
  agentId: string;
  tool: string;
  begunAt: string;
  /** Nothing is recorded of it yet. */
  calling: boolean;
}

/**
 * Those that were begun in the last minutes, and are not recorded or are one of `known`: no such call takes longer than its minute
 * (api/handlers/aegis/execution.ts), and of one that was begun before, by a process that has died, nothing is under way.
 */
export async function callsUnderWay(tx: Read, known: readonly string[]): Promise<CallUnderWay[]> {
  const { rows } = await tx.query<{ [K in keyof CallUnderWay]: CallUnderWay[K] }>(
    `select x.owner_id as id, x.agent_id as "agentId", x.tool, x.begun_at::text as "begunAt", c.calling
     from execution_attempts x, lateral (select not exists (
       select from executions e where e.owner_id = x.owner_id and e.step = x.step) as calling) c
     where x.begun_at > now() - interval '2 minutes' and x.agent_id is not null and (c.calling or x.owner_id = any($1))
       and not exists (select from runs r where r.id = x.owner_id)
       and not exists (select from investigations i where i.id = x.owner_id)
     order by x.begun_at, x.owner_id`,
    [known],
  );
  return rows;
}

const lockOf = (exclusive: boolean): string =>
  `select pg_advisory_xact_lock${exclusive ? '' : '_shared'}(hashtextextended('effects:' || $1, 0))`;

/** Nobody of the tenant begins an effect until this transaction ends, and who comes next sees what it wrote. */
export const holdEffects = (tx: Read): Promise<unknown> => tx.query(lockOf(true), [tx.tenantId]);

/**
 * Why no effect of this owner may begin any more; null: it may, and whoever stops it waits until this transaction has ended, so
 * that what was begun before is there to be seen.
 */
export async function effectsStopped(
  tx: Read,
  ownerId: string,
): Promise<{ by: 'kill_switch' | 'fence'; reason: string } | null> {
  await tx.query(lockOf(false), [tx.tenantId], 'hold effects');
  const { rows } = await tx.query<{ switched: string | null; fence: string | null }>(
    `select (select coalesce(reason, 'engaged') from kill_switches where engaged) as switched,
       (select reason from run_fences where run_id = $1) as fence`,
    [ownerId],
    'effects stopped',
  );
  const { switched = null, fence = null } = rows[0] ?? {};
  if (switched !== null) return { by: 'kill_switch', reason: switched };
  return fence === null ? null : { by: 'fence', reason: fence };
}

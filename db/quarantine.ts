import type { Pool } from 'pg';
import { bulkFindings, notCounted, quarantine } from '../domain/quarantine';
import { systemTx, type Read } from './tx';

const window = `interval '${quarantine.minutes} minutes'`;
const refused = (e: string): string =>
  `${e}.decision in ('deny', 'kill') and not ${e}.reasons @? '$[*] ? (${notCounted.map((code) => `@.code == "${code}"`).join(' || ')})'`;
const bulk = (e: string): string => `${e}.findings && '{${bulkFindings.join(',')}}'::text[]`;

/** Of the call `c` and its agent `a` of db/executions.ts: by index, each over what was refused in the last minutes. */
const recent = `e.agent_id = c."agentId" and e.started_at > greatest(now() - ${window}, a.quarantine_ended_at)`;
export const refusalsOfCall = `(select count(*) from executions e where ${recent} and e.tool = c.tool and ${refused('e')})`;
export const bulkRefusalsOfCall = `(select count(*) from executions e where ${recent} and ${bulk('e')} and ${refused('e')})`;

/** An agent that went over a limit with one of its calls. */
export interface Wild {
  agentId: string;
  name: string;
  tool: string;
  refusals: number;
  bulk: number;
  /** When the quarantine that follows is over: counted from that call on. */
  until: string;
}

/**
 * Those that went over a limit with one of these entries, counted at the time of each, whenever that was; not those that are
 * held already, or whose day is over by now. Held until the transaction ends.
 */
export async function wentWild(tx: Read, seqs: readonly number[]): Promise<Wild[]> {
  const { rows } = await tx.query<{ [K in keyof Wild]: Wild[K] }>(
    `with told as (
       select id, agent_id, at from log where seq = any($1) and agent_id is not null
     ), held as (
       select a.id, a.name, a.quarantine_ended_at from agents a where a.id in (select agent_id from told)
         and a.deleted_at is null and a.restriction is distinct from 'QUARANTINED' order by a.id for no key update
     ), counted as (
       select e.id, e.agent_id, e.tool, e.started_at, held.name,
         count(*) over (partition by e.agent_id, e.tool order by e.started_at range between ${window} preceding and current row)::int as refusals,
         (count(*) filter (where ${bulk('e')})
           over (partition by e.agent_id order by e.started_at range between ${window} preceding and current row))::int as bulk
       from executions e join held on held.id = e.agent_id
       where e.started_at > greatest((select min(at) from told) - 2 * ${window}, held.quarantine_ended_at) and ${refused('e')}
     )
     select distinct on (agent_id) agent_id as "agentId", name, tool, refusals, bulk,
       (started_at + interval '${quarantine.hours} hours')::text as until
     from counted where id in (select id from told) and started_at > now() - interval '${quarantine.hours} hours'
       and (refusals > $2 or bulk >= $3)
     order by agent_id, started_at`,
    [seqs, quarantine.refusals, quarantine.bulk],
  );
  return rows;
}

export async function beginQuarantine(tx: Read, { agentId, until }: Wild, because: string): Promise<void> {
  await tx.query(
    `update agents set before_quarantine = jsonb_build_object('status', status, 'restriction', restriction, 'because', restricted_because),
       status = case status when 'ACTIVE' then 'PAUSED' else status end, restriction = 'QUARANTINED', restricted_because = $2,
       restricted_until = $3::timestamptz, updated_at = now()
     where id = $1`,
    [agentId, because, until],
  );
}

/** Ends those that are over by the database's clock: each stands as before, unless people have said otherwise meanwhile. */
export async function endQuarantines(tx: Read, most: number): Promise<{ id: string; name: string; began: string }[]> {
  const { rows } = await tx.query<{ id: string; name: string; began: string }>(
    `with over as (
       select id, restricted_because as began from agents where restricted_until <= now() order by id limit $1 for update skip locked
     )
     update agents a set status = case a.status when 'PAUSED' then a.before_quarantine ->> 'status' else a.status end,
       restriction = a.before_quarantine ->> 'restriction', restricted_because = a.before_quarantine ->> 'because',
       restricted_until = null, before_quarantine = null, quarantine_ended_at = now(), updated_at = now()
     from over where a.id = over.id returning a.id, a.name, over.began`,
    [most],
  );
  return rows;
}

export const tenantsWithQuarantineOver = (pool: Pool): Promise<string[]> =>
  systemTx(pool, async (client) => {
    const { rows } = await client.query<{ id: string }>('select tenants_with_quarantine_over() as id');
    return rows.map((r) => r.id);
  });

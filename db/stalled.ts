import type { Pool } from 'pg';
import { activeStatuses } from '../domain/run';
import { systemTx, type Read } from './tx';

/** An hour without any sign of it: then an agent that works is stalled. */
export const silence = '60 minutes';

export interface Stalled {
  id: string;
  number: number;
  ticketId: string;
  agentId: string;
  idleSeconds: number;
}

/** The tenants in which somebody has stalled, told of or not. */
export const tenantsWithStalled = (pool: Pool): Promise<string[]> =>
  systemTx(pool, async (client) => {
    const { rows } = await client.query<{ id: string }>('select tenants_with_stalled($1, $2) as id', [
      activeStatuses,
      silence,
    ]);
    return rows.map((r) => r.id);
  });

/**
 * Those that nobody was told of since they were last heard of, held. None while another worker tells of some: a look that began
 * before its entries were there would find them again.
 */
export async function stalledUntold(tx: Read, limit: number): Promise<Stalled[]> {
  const { rows: turn } = await tx.query<{ mine: boolean }>(
    `select pg_try_advisory_xact_lock(hashtextextended('stalled:' || $1, 0)) as mine`,
    [tx.tenantId],
  );
  if (!turn[0]?.mine) return [];
  const { rows } = await tx.query<{ [K in keyof Stalled]: Stalled[K] }>(
    `select r.id, r.number, r.ticket_id as "ticketId", r.agent_id as "agentId",
       floor(extract(epoch from now() - r.heartbeat))::int as "idleSeconds"
     from runs r
     where r.outcome = 'started' and r.status = any($1) and r.heartbeat < now() - $2::interval
       and not exists (select from log l where l.subject_id = r.id::text and l.kind = 'run.stalled' and l.at > r.heartbeat)
     order by r.number limit $3 for update of r skip locked`,
    [activeStatuses, silence, limit],
  );
  return rows;
}

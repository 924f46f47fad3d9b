import { z } from 'zod';
import { InstantSchema } from '../domain/common.schema';
import type { Actor } from '../domain/principal';
import { holdersOf } from '../domain/scopes';
import type { Read } from './tx';

// Agents elsewhere, as they were last heard of.

export interface Asking {
  /** The principal that asks, and what it calls itself. */
  by: Actor & { id: string };
  worker: string;
  labels: readonly string[];
  /** It waits for so many seconds where there is nothing. */
  waits: number;
}

/** Somebody asks for work. */
export const heardOf = (tx: Read, a: Asking): Promise<unknown> =>
  tx.query(
    `with old as (delete from remote_workers where seen_at < now() - interval '1 day')
     insert into remote_workers (tenant_id, principal_id, worker, name, labels, waits_until)
     values ($1, $2, $3, $4, $5, clock_timestamp() + make_interval(secs => $6))
     on conflict (tenant_id, principal_id, worker) do update set name = excluded.name, labels = excluded.labels,
       seen_at = clock_timestamp(), waits_until = excluded.waits_until`,
    [tx.tenantId, a.by.id, a.worker, a.by.name, a.labels, a.waits],
  );

/** Somebody got work. */
export const hasClaimed = (tx: Read, principalId: string, worker: string): Promise<unknown> =>
  tx.query(
    `update remote_workers set claimed_at = clock_timestamp(), seen_at = clock_timestamp(), waits_until = null
     where principal_id = $1 and worker = $2`,
    [principalId, worker],
  );

const Worker = z.object({
  worker: z.string(),
  name: z.string(),
  labels: z.array(z.string()),
  seenAt: InstantSchema,
  waits: z.boolean(),
  claimedAt: InstantSchema.nullable(),
});
export type RemoteWorker = z.output<typeof Worker>;

export async function remoteWorkers(tx: Read, limit: number): Promise<RemoteWorker[]> {
  const { rows } = await tx.query(
    `select worker, name, labels, seen_at as "seenAt", coalesce(waits_until > clock_timestamp(), false) as waits, claimed_at as "claimedAt"
     from remote_workers order by seen_at desc limit $1`,
    [limit],
  );
  return rows.map((r) => Worker.parse(r));
}

/** How many tasks wait for somebody, and how many are held. */
export async function remoteCounts(tx: Read, onlyTicket: string | null): Promise<{ waiting: number; held: number }> {
  const { rows } = await tx.query<{ waiting: number; held: number }>(
    `select count(*) filter (where lease_until is null or lease_until <= clock_timestamp()) as waiting,
       count(*) filter (where lease_until > clock_timestamp()) as held
     from remote_tasks t join runs r on r.id = t.run_id where t.ended_at is null and ($1::uuid is null or r.ticket_id = $1)`,
    [onlyTicket],
  );
  return rows[0] ?? { waiting: 0, held: 0 };
}

/** Whether somebody may claim: a living key has the scope, and so does whoever it is of. */
export async function hasClaimers(tx: Read): Promise<boolean> {
  const { rowCount } = await tx.query(
    `select from api_keys k left join users u on u.id = k.user_id
     where k.revoked_at is null and (k.expires_at is null or k.expires_at > now()) and k.run_id is null and k.agent_id is null
       and 'agents:claim' = any(k.scopes) and (k.user_id is null or (u.is_active and u.role = any($1))) limit 1`,
    [holdersOf('agents:claim')],
  );
  return rowCount === 1;
}

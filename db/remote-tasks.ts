import type { Pool } from 'pg';
import type { CommandOutcome } from '../domain/agent-process';
import type { Actor } from '../domain/principal';
import type { RemoteTask } from '../domain/remote-task';
import { RemoteTaskSchema } from '../domain/remote-task.schema';
import { endedStatuses } from '../domain/run';
import { entity } from './entity';
import { systemTx, type Read } from './tx';

export const remoteTasks = entity('remote_tasks', RemoteTaskSchema, ['offeredAt']);

export async function offerOf(tx: Read, runId: string, offer: number): Promise<RemoteTask | null> {
  const [found] = await remoteTasks.list(tx, 'where run_id = $1 and offer = $2', [runId, offer]);
  return found ?? null;
}

/**
 * The newest of a run, held until the transaction ends, and whether its lease has run out by the database's clock. Whoever
 * holds both has the run first: two that wait for each other would be one too many.
 */
export async function heldOffer(tx: Read, runId: string): Promise<{ task: RemoteTask; late: boolean } | null> {
  const { rows } = await tx.query<{ late: boolean }>(
    `select ${remoteTasks.columns()}, coalesce(lease_until <= clock_timestamp(), false) as late
     from remote_tasks where run_id = $1 order by offer desc limit 1 for update`,
    [runId],
  );
  return rows[0] ? { task: remoteTasks.parse(rows[0]), late: rows[0].late } : null;
}

export type NewOffer = Pick<RemoteTask, 'id' | 'runId' | 'offer' | 'rank' | 'labels' | 'brief' | 'limitMs'>;

/** The last token at an earlier attempt at the same task: whoever held that holds none of this. */
async function tokenBefore(tx: Read, runId: string): Promise<number> {
  const { rows } = await tx.query<{ token: number | null }>(
    `select max(t.token) as token from task_orders mine join task_orders o on o.task_id = mine.task_id and o.attempt < mine.attempt
       join remote_tasks t on t.run_id = o.run_id where mine.run_id = $1`,
    [runId],
  );
  return rows[0]?.token ?? 0;
}

/** Goes on counting where the offer before left off. Null when the run has one that is not over. */
export async function insertOffer(tx: Read, o: NewOffer): Promise<RemoteTask | null> {
  const before = await offerOf(tx, o.runId, o.offer - 1);
  const token = before?.token ?? (await tokenBefore(tx, o.runId));
  return remoteTasks.insert(tx, {
    ...o, tenantId: tx.tenantId, offeredAt: '', token, workedMs: before?.workedMs ?? 0, holder: null, worker: null,
    claimId: null, keyId: null, claimedAt: null, leaseSeconds: null, leaseUntil: null, endedAt: null, outcome: null,
  }); // prettier-ignore
}

/** The task that this request took, while it holds it. */
export async function claimedBy(tx: Read, claimId: string): Promise<RemoteTask | null> {
  const [found] = await remoteTasks.list(tx, 'where claim_id = $1 and ended_at is null', [claimId]);
  return found ?? null;
}

/**
 * The first that nobody holds, or whose lease has run out, and that has all the labels: held with its run, and passed over by
 * others meanwhile.
 */
export async function nextOpen(tx: Read, labels: readonly string[]): Promise<RemoteTask | null> {
  const { rows } = await tx.query(
    `select ${remoteTasks.columns('t')} from remote_tasks t join runs r on r.id = t.run_id
     where t.ended_at is null and (t.lease_until is null or t.lease_until <= clock_timestamp()) and t.labels @> $1
       and not r.status = any($2) and not exists (select from run_fences f where f.run_id = t.run_id)
     order by t.rank, t.offered_at limit 1 for update of t, r skip locked`,
    [labels, endedStatuses],
  );
  return rows[0] ? remoteTasks.parse(rows[0]) : null;
}

/** Those whose leases have run out, held. */
export const lapsedOffers = (tx: Read, limit: number): Promise<RemoteTask[]> =>
  remoteTasks.list(
    tx,
    `where ended_at is null and lease_until <= clock_timestamp() order by lease_until limit $1 for update skip locked`,
    [limit],
  );

export interface Taking {
  holder: Actor;
  worker: string | null;
  claimId: string;
  keyId: string;
  leaseSeconds: number;
}

/** Until when a lease of `secs` goes: no longer than it may be worked on. */
const until = (secs: string): string =>
  `least(clock_timestamp() + make_interval(secs => ${secs}), claimed_at + make_interval(secs => (limit_ms - worked_ms) / 1000.0))`;

/** How long it was held until then, in milliseconds; by one clock. */
const heldFor = (then: string): string =>
  `coalesce(greatest(0, round(extract(epoch from ${then} - claimed_at) * 1000)), 0)`;

/** A held task that nobody holds by now gets its holder. */
export async function take(tx: Read, id: string, t: Taking): Promise<RemoteTask> {
  await tx.query(
    `update remote_tasks set token = token + 1, holder = $2, worker = $3, claim_id = $4, key_id = $5, lease_seconds = $6,
       claimed_at = clock_timestamp() where id = $1`,
    [id, JSON.stringify(t.holder), t.worker, t.claimId, t.keyId, t.leaseSeconds],
  );
  return prolong(tx, id);
}

/** From now on for as long as its lease is; so for the key of its holder. */
export async function prolong(tx: Read, id: string): Promise<RemoteTask> {
  const { rows } = await tx.query(
    `update remote_tasks set lease_until = ${until('lease_seconds')} where id = $1 returning ${remoteTasks.columns()}`,
    [id],
  );
  const task = remoteTasks.parse(rows[0]);
  await tx.query('update api_keys set expires_at = $2 where id = $1 and revoked_at is null', [task.keyId, task.leaseUntil]);
  return task;
} // prettier-ignore

/** Nobody holds it any more, since its lease ran out. */
export async function letGo(tx: Read, id: string): Promise<RemoteTask> {
  const { rows } = await tx.query(
    `update remote_tasks set holder = null, claim_id = null, key_id = null, claimed_at = null, lease_until = null,
       worked_ms = worked_ms + ${heldFor('lease_until')} where id = $1 returning ${remoteTasks.columns()}`,
    [id],
  );
  return remoteTasks.parse(rows[0]);
}

/** Its holder stays in the row: what they say after that is answered. */
export const endOffer = (tx: Read, id: string, outcome: CommandOutcome): Promise<unknown> =>
  tx.query(
    `update remote_tasks set ended_at = clock_timestamp(), outcome = $2, lease_until = null,
       worked_ms = worked_ms + ${heldFor('clock_timestamp()')} where id = $1`,
    [id, JSON.stringify(outcome)],
  );

/** The tenants in which a lease has run out. */
export const tenantsWithLapsed = (pool: Pool): Promise<string[]> =>
  systemTx(pool, async (client) => {
    const { rows } = await client.query<{ id: string }>('select tenants_with_lapsed() as id');
    return rows.map((r) => r.id);
  });

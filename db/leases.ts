import { z } from 'zod';
import type { AccessRequest } from '../domain/access';
import { InstantSchema } from '../domain/common.schema';
import { leaseStatuses, openLeases } from '../domain/credentials';
import type { LeaseScope } from '../domain/harness';
import { endedStatuses } from '../domain/run';
import type { Read } from './tx';

const Row = z.object({
  id: z.uuid(),
  status: z.enum(leaseStatuses),
  fence: z.int(),
  expiresAt: InstantSchema,
  /** What is left of it by the database's clock, whatever the one of this process says; below zero when it is over. */
  leftMs: z.number(),
  endReason: z.string().nullable(),
});
/** A lease as those see it who grant and revoke. */
export type Lease = z.output<typeof Row>;

const columns = `id, status, fence, expires_at as "expiresAt", end_reason as "endReason",
  (extract(epoch from expires_at - now()) * 1000)::float8 as "leftMs"`;
const one = (rows: unknown[]): Lease | null => (rows[0] ? Row.parse(rows[0]) : null);

export const leaseOf = async (tx: Read, accessId: string): Promise<Lease | null> =>
  one((await tx.query(`select ${columns} from leases where access_request_id = $1 for update`, [accessId])).rows);

/** Whether the request still waits for its credential. It is held: who ends it comes before, and is seen, or after. */
export async function isWanted(tx: Read, accessId: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    `select from access_requests a where id = $1 and status in ('approved', 'granted')
       and not exists (select from runs r where r.id = a.run_id and r.status = any($2)) for update`,
    [accessId, endedStatuses],
  );
  return rowCount === 1;
}

/** Null when the lease is known already. It ends `leaseMs` from now, or at `until` when that is sooner. */
export async function openLease(
  tx: Read,
  id: string,
  access: AccessRequest,
  of: { scope: LeaseScope; ref: string; leaseMs: number; until: string | null },
): Promise<Lease | null> {
  const { scope } = of;
  const { rows } = await tx.query(
    `insert into leases (id, tenant_id, access_request_id, run_id, agent_id, system, resource_type, resource_id, action,
       credential_ref, status, granted_by, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'pending', $11, least(now() + $12 * interval '1 millisecond', $13))
     on conflict do nothing returning ${columns}`,
    [
      id, access.tenantId, access.id, access.runId, access.agentId, scope.system, scope.resourceType, scope.resourceId, scope.action,
      of.ref, access.approvalActor, of.leaseMs, of.until,
    ],
  ); // prettier-ignore
  return one(rows);
}

/** Another attempt to grant: those before are void. */
export const beginGrant = async (tx: Read, id: string): Promise<Lease | null> =>
  one(
    (
      await tx.query(`update leases set fence = fence + 1 where id = $1 and status = 'pending' returning ${columns}`, [
        id,
      ])
    ).rows,
  );

/** Null when it was given up on meanwhile, or its time is over: then what the provider made is to be taken back. */
export const activate = async (tx: Read, id: string, fence: number, sealed: Buffer): Promise<Lease | null> =>
  one(
    (
      await tx.query(
        `update leases set status = 'active', secret_sealed = $3
         where id = $1 and fence = $2 and status = 'pending' and expires_at > now() returning ${columns}`,
        [id, fence, sealed],
      )
    ).rows,
  );

/** From its commit on nobody is handed the credential; what was handed out is good until the provider has ended it. */
export const beginRevoke = async (tx: Read, id: string, reason: string): Promise<Lease | null> =>
  one(
    (
      await tx.query(
        `update leases set status = 'revoking', secret_sealed = null, fence = fence + 1, end_reason = coalesce(end_reason, $2),
           revoke_asked_at = coalesce(revoke_asked_at, now()), revoke_tried_at = now()
         where id = $1 and status = any($3) returning ${columns}`,
        [id, reason, openLeases],
      )
    ).rows,
  );

export const revokeFailed = async (tx: Read, id: string, error: string): Promise<void> =>
  void (await tx.query(`update leases set revoke_error = $2 where id = $1 and status = 'revoking'`, [id, error]));

/** What a provider has confirmed is final, whichever attempt it was told. Null when another has written it down. */
export const confirmRevoke = async (tx: Read, id: string): Promise<Lease | null> =>
  one(
    (
      await tx.query(
        `update leases set status = case when end_reason = 'expired' then 'expired' else 'revoked' end, ended_at = now(),
           revoke_error = null where id = $1 and status = 'revoking' returning ${columns}`,
        [id],
      )
    ).rows,
  );

/** A use takes a moment: nothing is lent so shortly before its end. */
const lastUse = `interval '500 milliseconds'`;

export interface Lendable {
  id: string;
  resource_id: string;
  secret_sealed: Buffer;
  left_ms: number;
}

/**
 * What a run may use at this moment, the narrowest first; nothing once it was stopped or the kill switch engaged. Held: a
 * revocation begins after this transaction, or is seen by it.
 */
export async function lendable(
  tx: Read,
  of: { runId: string; system: string; resourceType: string; action: string },
): Promise<Lendable[]> {
  const { rows } = await tx.query<Lendable & Record<string, unknown>>(
    `select id, resource_id, secret_sealed, (extract(epoch from expires_at - clock_timestamp()) * 1000)::float8 as left_ms from leases
     where run_id = $1 and status = 'active' and expires_at > clock_timestamp() + ${lastUse} and secret_sealed is not null
       and system = $2 and resource_type = $3 and action in ($4, '*')
       and not exists (select from kill_switches where engaged) and not exists (select from run_fences where run_id = $1)
       and not exists (select from runs where id = $1 and finished_at is not null)
     order by length(resource_id) desc, number desc for share`,
    [of.runId, of.system, of.resourceType, of.action],
  );
  return rows;
}

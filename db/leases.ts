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
  keptBy: z.string().nullable(),
});
/** A lease as those see it who grant and revoke. */
export type Lease = z.output<typeof Row>;

const columns = `id, status, fence, expires_at as "expiresAt", end_reason as "endReason", kept_by as "keptBy",
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
  of: { scope: LeaseScope; ref: string; leaseMs: number; until: string | null; keptBy: string },
): Promise<Lease | null> {
  const { scope } = of;
  const { rows } = await tx.query(
    `insert into leases (id, tenant_id, access_request_id, run_id, agent_id, system, resource_type, resource_id, action,
       credential_ref, status, granted_by, expires_at, kept_by)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'pending', $11, least(now() + $12 * interval '1 millisecond', $13), $14)
     on conflict do nothing returning ${columns}`,
    [
      id, access.tenantId, access.id, access.runId, access.agentId, scope.system, scope.resourceType, scope.resourceId, scope.action,
      of.ref, access.approvalActor, of.leaseMs, of.until, of.keptBy,
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

/** What a lease lends: a copy of its own, or a secret that the tenant keeps; and how long that lives, where it ends sooner. */
export interface Lending {
  sealed: Buffer | null;
  keptId: string | null;
  livesMs: number | null;
}

/** Null when it was given up on meanwhile, or its time is over: then what the provider made is to be taken back. */
export const activate = async (tx: Read, id: string, fence: number, lending: Lending): Promise<Lease | null> =>
  one(
    (
      await tx.query(
        `update leases set status = 'active', secret_sealed = $3, kept_secret_id = $4,
           expires_at = least(expires_at, now() + $5 * interval '1 millisecond')
         where id = $1 and fence = $2 and status = 'pending' and expires_at > now() returning ${columns}`,
        [id, fence, lending.sealed, lending.keptId, lending.livesMs],
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
  number: number;
  credential_ref: string;
  system: string;
  resource_type: string;
  resource_id: string;
  action: string;
  secret_sealed: Buffer;
  /** The tenant's secret that it is a reference to. */
  kept_secret_id: string | null;
  left_ms: number;
}

/** Nothing once the run was stopped or the kill switch engaged. Held: a revocation begins after this transaction, or is seen by it. */
const lendableWhere = async (tx: Read, runId: string, where: string, more: readonly unknown[]): Promise<Lendable[]> => {
  const { rows } = await tx.query<Lendable & Record<string, unknown>>(
    `select l.id, l.number, l.credential_ref, l.system, l.resource_type, l.resource_id, l.action,
       coalesce(k.sealed, l.secret_sealed) as secret_sealed, k.id as kept_secret_id,
       (extract(epoch from l.expires_at - clock_timestamp()) * 1000)::float8 as left_ms
     from leases l left join kept_secrets k on k.id = l.kept_secret_id
     where l.run_id = $1 and l.status = 'active' and l.expires_at > clock_timestamp() + ${lastUse}
       and (k.id is not null or l.secret_sealed is not null) and ${where}
       and not exists (select from kill_switches where engaged) and not exists (select from run_fences where run_id = $1)
       and not exists (select from runs where id = $1 and finished_at is not null)
     order by length(l.resource_id) desc, l.number desc for share of l`,
    [runId, ...more],
  );
  return rows;
};

/** What a run may use at this moment, the narrowest first. */
export const lendable = (
  tx: Read,
  of: { runId: string; system: string; resourceType: string; action: string },
): Promise<Lendable[]> =>
  lendableWhere(tx, of.runId, `l.system = $2 and l.resource_type = $3 and l.action in ($4, '*')`, [
    of.system,
    of.resourceType,
    of.action,
  ]);

/** Those of them that a reference stands for: of two for the same thing the later. */
export const lendableAs = (tx: Read, runId: string, refs: readonly string[]): Promise<Lendable[]> =>
  lendableWhere(tx, runId, 'l.credential_ref = any($2)', [refs]);

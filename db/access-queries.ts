import { z } from 'zod';
import { AccessRequestSchema } from '../domain/access.schema';
import { InstantSchema, ActorSchema } from '../domain/common.schema';
import type { AccessRequest } from '../domain/access';
import { openLeases, type LeaseStatus } from '../domain/credentials';
import { gateStatuses } from '../domain/gate';
import { endedStatuses } from '../domain/run';
import { ticketStatuses } from '../domain/ticket';
import { accessRequests } from './access';
import { prepared } from './prepared';
import type { Read } from './tx';

/** An access request with its tickets, gate and lease as the doors know them. */
const Row = AccessRequestSchema.extend({
  ticketNumber: z.int(),
  runNumber: z.int().nullable(),
  childNumber: z.int(),
  childTitle: z.string(),
  childStatus: z.enum(ticketStatuses),
  childProvider: z.string(),
  childProviderRef: z.string().nullable(),
  gateNumber: z.int().nullable(),
  gateStatus: z.enum(gateStatuses).nullable(),
  gateResult: z.string().nullable(),
  decidedBy: ActorSchema.nullable(),
  decidedAt: InstantSchema.nullable(),
  leaseStatus: z.string().nullable(),
  leaseExpiresAt: InstantSchema.nullable(),
});
export type AccessView = z.output<typeof Row>;

const select = `select ${accessRequests.columns('a')}, t.number as "ticketNumber", r.number as "runNumber", c.number as "childNumber",
    c.title as "childTitle", c.status as "childStatus", c.provider as "childProvider", c.provider_ref as "childProviderRef",
    g.number as "gateNumber", g.status as "gateStatus", g.result as "gateResult", g.decided_by as "decidedBy",
    g.decided_at as "decidedAt", l.status as "leaseStatus", l.expires_at as "leaseExpiresAt"
  from access_requests a join tickets t on t.id = a.ticket_id join tickets c on c.id = a.access_ticket_id
    left join runs r on r.id = a.run_id left join gates g on g.id = a.gate_id left join leases l on l.access_request_id = a.id`;

/** Asked for from the ticket, or the one that the ticket is the child of. Oldest first. */
export async function accessOfTicket(tx: Read, ticketId: string, limit: number): Promise<AccessView[]> {
  const { rows } = await prepared(
    tx,
    `${select} where a.ticket_id = $1 or a.access_ticket_id = $1 order by a.number desc limit $2`,
    [ticketId, limit],
  );
  return rows.map((r) => Row.parse(r)).reverse();
}

export async function accessById(tx: Read, id: string): Promise<AccessView | null> {
  const { rows } = await tx.query(`${select} where a.id = $1`, [id]);
  return rows[0] ? Row.parse(rows[0]) : null;
}

/** What a run asks for, and nobody has ended yet. */
export type AccessScope = Pick<AccessRequest, 'resource' | 'permission' | 'accountRef' | 'lease'>;

/**
 * How often a run asked for the same before, and the request of those that is still open. A scope is the same when all of
 * it is, whatever reasons are given.
 */
export async function askedBefore(
  tx: Read,
  runId: string,
  { resource, permission, accountRef, lease }: AccessScope,
): Promise<{ open: string | null; over: number }> {
  const { rows } = await tx.query<{ open: string | null; over: number }>(
    `select (array_agg(id order by number) filter (where status in ('pending_approval', 'approved')))[1] as open,
       (count(*) filter (where status not in ('pending_approval', 'approved')))::int as over
     from access_requests
     where run_id = $1 and resource = $2 and permission = $3 and account_ref is not distinct from $4
       and lease is not distinct from $5::jsonb`,
    [runId, resource, permission, accountRef, lease === null ? null : JSON.stringify(lease)],
  );
  return rows[0] ?? { open: null, over: 0 };
}

export interface OpenAccess {
  access: AccessRequest;
  /** Why it has to end, by the database's clock; null: it need not. */
  due: string | null;
  /** How its lease stands, when a credential may be alive. */
  openLease: LeaseStatus | null;
}

/** Requests that somebody has to end, or whose credential may be alive; what is due first, what was tried last, last. */
export async function openAccess(tx: Read, limit: number): Promise<OpenAccess[]> {
  const { rows } = await tx.query<Omit<OpenAccess, 'access'> & Record<string, unknown>>(
    `select ${accessRequests.columns('a')}, l.status as "openLease", d.due
     from access_requests a left join leases l on l.access_request_id = a.id and l.status = any($2)
       cross join lateral (select case
         when exists (select from runs r where r.id = a.run_id and r.status = any($1)) then 'its run is over'
         when l.expires_at <= now() then 'expired'
         when l.id is not null and a.status in ('rejected', 'expired', 'revoked') then 'its request is over' end as due) d
     where a.status in ('pending_approval', 'approved', 'granted') or l.id is not null
     order by d.due is null, l.revoke_tried_at nulls first, a.number limit $3`,
    [endedStatuses, openLeases, limit],
  );
  return rows.map((r) => ({ access: accessRequests.parse(r), due: r.due, openLease: r.openLease }));
}

const Lease = z.object({
  id: z.uuid(),
  number: z.int(),
  system: z.string(),
  resourceType: z.string(),
  resourceId: z.string(),
  action: z.string(),
  credentialRef: z.string(),
  status: z.string(),
  grantedBy: ActorSchema.nullable(),
  createdAt: InstantSchema,
  /** Null: with its run. */
  expiresAt: InstantSchema.nullable(),
});
/** A lease as anyone may see it: the sealed secret is not among its columns. */
export type LeaseView = z.output<typeof Lease>;

/**
 * With the references to its own ticket, which are good as long as it is and have no secret behind them.
 * One whose time is over is lent no longer, whoever has not noticed yet; that it is dead is said when that is confirmed.
 */
export async function leasesOfRun(tx: Read, runId: string): Promise<LeaseView[]> {
  const { rows } = await tx.query(
    `select id, number, system, resource_type as "resourceType", resource_id as "resourceId", action,
       credential_ref as "credentialRef", case when status = 'active' and expires_at <= now() then 'revoking' else status end as status,
       granted_by as "grantedBy", created_at as "createdAt", expires_at as "expiresAt"
     from leases where run_id = $1
     union all
     select f.id, f.number, 'dashboard', 'ticket', t.number::text, f.action, format('<vault:agent_%s_dashboard_ticket_%s_%s>', r.number, t.number, f.action),
       case when r.status = any($2) then 'revoked' else 'active' end, r.spawned_by, f.created_at, null
     from run_references f join runs r on r.id = f.run_id join tickets t on t.id = r.ticket_id where f.run_id = $1
     order by number desc limit 1000`,
    [runId, endedStatuses],
  );
  return rows.map((r) => Lease.parse(r));
}

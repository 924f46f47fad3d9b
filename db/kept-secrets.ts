import { z } from 'zod';
import { ActorSchema, InstantSchema } from '../domain/common.schema';
import type { LeaseScope } from '../domain/harness';
import type { Actor } from '../domain/principal';
import type { Read } from './tx';

const Row = z.object({
  id: z.uuid(),
  number: z.int(),
  system: z.string(),
  resourceType: z.string(),
  resourceId: z.string(),
  action: z.string(),
  version: z.int(),
  changedBy: ActorSchema,
  changedIn: z.uuid(),
  createdAt: InstantSchema,
  updatedAt: InstantSchema,
});
/** A secret as anyone may see it: what it is for. What it is, is not among its columns. */
export type KeptSecret = z.output<typeof Row>;

const columns = `id, number, system, resource_type as "resourceType", resource_id as "resourceId", action, version,
  changed_by as "changedBy", changed_in as "changedIn", created_at as "createdAt", updated_at as "updatedAt"`;

/** The row that a secret for this scope has, or would have; held until the transaction ends. */
export async function holdSecret(tx: Read, scope: LeaseScope): Promise<KeptSecret | null> {
  const { rows } = await tx.query(
    `select ${columns} from kept_secrets where system = $1 and resource_type = $2 and resource_id = $3 and action = $4 for update`,
    [scope.system, scope.resourceType, scope.resourceId, scope.action],
  );
  return rows[0] ? Row.parse(rows[0]) : null;
}

export interface Put {
  scope: LeaseScope;
  sealed: Buffer;
  by: Actor;
  /** The request. */
  changedIn: string;
}

/** Null when there is one for its scope by now. */
export async function insertSecret(
  tx: Read,
  id: string,
  { scope, sealed, by, changedIn }: Put,
): Promise<KeptSecret | null> {
  const { rows } = await tx.query(
    `insert into kept_secrets (id, tenant_id, system, resource_type, resource_id, action, sealed, changed_by, changed_in)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing returning ${columns}`,
    [id, tx.tenantId, scope.system, scope.resourceType, scope.resourceId, scope.action, sealed, by, changedIn],
  );
  return rows[0] ? Row.parse(rows[0]) : null;
}

export async function replaceSecret(
  tx: Read,
  id: string,
  { sealed, by, changedIn }: Omit<Put, 'scope'>,
): Promise<KeptSecret> {
  const { rows } = await tx.query(
    `update kept_secrets set sealed = $2, changed_by = $3, changed_in = $4, version = version + 1, updated_at = now()
     where id = $1 returning ${columns}`,
    [id, sealed, by, changedIn],
  );
  return Row.parse(rows[0]);
}

export async function listSecrets(
  tx: Read,
  limit: number,
  offset: number,
): Promise<{ secrets: KeptSecret[]; total: number }> {
  const { rows } = await tx.query(`select ${columns} from kept_secrets order by number limit $1 offset $2`, [
    limit,
    offset,
  ]);
  const total = await tx.query<{ n: number }>('select count(*)::int as n from kept_secrets');
  return { secrets: rows.map((r) => Row.parse(r)), total: total.rows[0]?.n ?? 0 };
}

/** Takes it away, and ends the leases that lend it, whose numbers it gives; null when there is none. */
export async function removeSecret(
  tx: Read,
  number: number,
): Promise<{ secret: KeptSecret; leases: EndedLease[] } | null> {
  const { rows: ended } = await tx.query<EndedLease & Record<string, unknown>>(
    `update leases l set status = 'revoked', ended_at = now(), end_reason = 'its secret was deleted' from kept_secrets k
     where k.number = $1 and l.kept_secret_id = k.id and l.status = 'active'
     returning l.id, l.number, l.run_id as "runId", l.agent_id as "agentId"`,
    [number],
  );
  const { rows } = await tx.query(`delete from kept_secrets where number = $1 returning ${columns}`, [number]);
  return rows[0] ? { secret: Row.parse(rows[0]), leases: ended } : null;
}
export interface EndedLease {
  id: string;
  number: number;
  runId: string | null;
  agentId: string | null;
}

/** Those that may fit a lease of this scope, the narrowest first; whether they do, the glob says. */
export async function secretsFor(tx: Read, { system, resourceType, action }: LeaseScope): Promise<KeptSecret[]> {
  const { rows } = await tx.query(
    `select ${columns} from kept_secrets where system = $1 and resource_type = $2 and action in ($3, '*')
     order by (resource_id like '%*%'), length(resource_id) desc, (action = '*'), number`,
    [system, resourceType, action],
  );
  return rows.map((r) => Row.parse(r));
}

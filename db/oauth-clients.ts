import { z } from 'zod';
import { ActorSchema, InstantSchema } from '../domain/common.schema';
import type { Actor } from '../domain/principal';
import type { Read } from './tx';

const Secret = z.object({ created_at: InstantSchema, expires_at: InstantSchema.nullable() });
const Row = z.object({
  id: z.uuid(),
  tenantId: z.uuid(),
  name: z.string(),
  scopes: z.array(z.string()),
  createdBy: ActorSchema,
  createdAt: InstantSchema,
  revokedAt: InstantSchema.nullable(),
  /** Those that are good, the older first. */
  secrets: z.array(Secret),
});
export type OAuthClient = z.output<typeof Row>;

const columns = `c.id, c.tenant_id as "tenantId", c.name, c.scopes, c.created_by as "createdBy", c.created_at as "createdAt",
  c.revoked_at as "revokedAt", (select coalesce(jsonb_agg(jsonb_build_object('created_at', s.created_at, 'expires_at', s.expires_at) order by s.created_at), '[]')
    from oauth_client_secrets s where s.client_id = c.id and (s.expires_at is null or s.expires_at > now()) and c.revoked_at is null) as secrets`;

export async function listClients(tx: Read, { page, limit }: { page: number; limit: number }) {
  const counted = await tx.query<{ total: number }>('select count(*)::int as total from oauth_clients');
  const { rows } = await tx.query(
    `select ${columns} from oauth_clients c order by c.created_at desc, c.id limit $1 offset $2`,
    [limit, (page - 1) * limit],
  );
  return { rows: rows.map((r) => Row.parse(r)), total: counted.rows[0]?.total ?? 0 };
}

export async function clientById(tx: Read, id: string): Promise<OAuthClient | null> {
  const { rows } = await tx.query(`select ${columns} from oauth_clients c where c.id = $1`, [id]);
  return rows[0] ? Row.parse(rows[0]) : null;
}

/** Held until the transaction ends: whoever rotates or revokes it takes turns. */
export async function holdClient(tx: Read, id: string): Promise<OAuthClient | null> {
  await tx.query('select from oauth_clients where id = $1 for no key update', [id]);
  return clientById(tx, id);
}

/** The client, when that is one of its secrets and both are good. */
export async function clientWithSecret(tx: Read, id: string, secretHash: string): Promise<OAuthClient | null> {
  const { rows } = await tx.query(
    `select ${columns} from oauth_clients c where c.id = $1 and c.revoked_at is null and exists (
       select from oauth_client_secrets s where s.client_id = c.id and s.secret_hash = $2 and (s.expires_at is null or s.expires_at > now()))`,
    [id, secretHash],
  );
  return rows[0] ? Row.parse(rows[0]) : null;
}

/** False when there is one with this id already. */
export async function insertClient(
  tx: Read,
  of: { id: string; name: string; scopes: readonly string[]; by: Actor },
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `insert into oauth_clients (id, tenant_id, name, scopes, created_by) values ($1, $2, $3, $4, $5) on conflict do nothing`,
    [of.id, tx.tenantId, of.name, of.scopes, of.by],
  );
  return rowCount === 1;
}

/** False when there is one with this id already. */
export async function insertSecret(tx: Read, of: { id: string; clientId: string; hash: string }): Promise<boolean> {
  const { rowCount } = await tx.query(
    `insert into oauth_client_secrets (id, tenant_id, client_id, secret_hash) values ($1, $2, $3, $4) on conflict do nothing`,
    [of.id, tx.tenantId, of.clientId, of.hash],
  );
  return rowCount === 1;
}

/** The secret in use stands for so long beside a new one; one that was to end anyway ends now. */
export const endSecrets = (tx: Read, clientId: string, besides: string, overlapSeconds: number): Promise<unknown> =>
  tx.query(
    `update oauth_client_secrets set expires_at = case when expires_at is null then now() + make_interval(secs => $3) else now() end
     where client_id = $1 and id <> $2 and (expires_at is null or expires_at > now())`,
    [clientId, besides, overlapSeconds],
  );

/** Whether this call revoked it: what its tokens open ends with the commit. */
export async function revokeClient(tx: Read, id: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    'update oauth_clients set revoked_at = now() where id = $1 and revoked_at is null',
    [id],
  );
  return rowCount === 1;
}

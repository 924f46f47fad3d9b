import { micros } from './instant';
import type { Read } from './tx';

export interface ApiKey {
  id: string;
  tenantId: string;
  name: string;
  keyPrefix: string;
  role: string;
  scopes: string[];
  agentId: string | null;
  createdAt: string;
  expiresAt: string | null;
  isActive: boolean;
  lastUsedAt: string | null;
}
export interface NewApiKey extends Pick<
  ApiKey,
  'id' | 'name' | 'keyPrefix' | 'role' | 'scopes' | 'agentId' | 'expiresAt'
> {
  keyHash: string;
  /** Whom it acts as when it is no agent's. */
  userId: string | null;
  /** The run that it is bound to, and with it its ticket. */
  runId?: string;
}

type Row = ApiKey & Record<string, unknown>;
const columns = `id, tenant_id as "tenantId", name, key_prefix as "keyPrefix", role, scopes, agent_id as "agentId",
  ${micros('created_at')} as "createdAt", ${micros('expires_at')} as "expiresAt", ${micros('last_used_at')} as "lastUsedAt",
  revoked_at is null and (expires_at is null or expires_at > now()) as "isActive"`;

export async function listApiKeys(tx: Read): Promise<ApiKey[]> {
  const { rows } = await tx.query<Row>(`select ${columns} from api_keys order by created_at desc, id`);
  return rows;
}

export async function apiKeyByHash(tx: Read, keyHash: string): Promise<ApiKey | null> {
  const { rows } = await tx.query<Row>(`select ${columns} from api_keys where key_hash = $1`, [keyHash]);
  return rows[0] ?? null;
}

/** Null when there is one with this id already. */
export async function insertApiKey(tx: Read, key: NewApiKey): Promise<ApiKey | null> {
  const { rows } = await tx.query<Row>(
    `insert into api_keys (id, tenant_id, name, key_hash, key_prefix, role, scopes, user_id, agent_id, expires_at, run_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict (id) do nothing returning ${columns}`,
    [
      key.id, tx.tenantId, key.name, key.keyHash, key.keyPrefix, key.role, key.scopes, key.userId, key.agentId, key.expiresAt,
      key.runId ?? null,
    ], // prettier-ignore
  );
  return rows[0] ?? null;
}

/** Of somebody who has left: coming back, they make others. */
export async function revokeKeysOfUser(tx: Read, userId: string): Promise<number> {
  const { rowCount } = await tx.query(
    'update api_keys set revoked_at = now() where user_id = $1 and revoked_at is null',
    [userId],
  );
  return rowCount ?? 0;
}

/** The key, and whether this call revoked it; null when there is none. */
export async function revokeApiKey(tx: Read, id: string): Promise<{ key: ApiKey; revoked: boolean } | null> {
  const { rowCount } = await tx.query('update api_keys set revoked_at = now() where id = $1 and revoked_at is null', [
    id,
  ]);
  const { rows } = await tx.query<Row>(`select ${columns} from api_keys where id = $1`, [id]);
  return rows[0] ? { key: rows[0], revoked: rowCount === 1 } : null;
}

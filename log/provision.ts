import { hash } from '@node-rs/argon2';
import { Client } from 'pg';
import { v7 } from 'uuid';
import { scopesOf } from '../domain/scopes';
import { hashKey, newApiKey } from './credentials';
import { keyPurposes, newKey } from './keys';
import { beginTenant } from './new-tenant';

export interface Provision {
  slug: string;
  fourEyes: 'strict' | 'agent_only';
  operatorSignals: boolean;
  adminEmail: string;
  adminPassword: string;
  /** Of the administrator, and of a key that is made; ADMIN unless given. */
  adminRole?: 'ADMIN' | 'platform-admin';
  masterKey: Buffer;
  /** A key that should open the tenant; when it does not, a new one is made. */
  apiKey: string | null;
}

/**
 * A tenant with its administrator, its analyst, its RACI matrix and a key; and, once for the installation, the keys that sign. Finds what
 * is there. Runs as the database's owner.
 */
export async function provisionTenant(
  databaseUrl: string,
  wanted: Provision,
): Promise<{ tenantId: string; apiKey: string }> {
  const db = new Client({ connectionString: databaseUrl });
  await db.connect();
  try {
    await db.query('begin');
    await db.query(`select pg_advisory_xact_lock(hashtextextended('provision', 0))`);
    await db.query(`set local app.system = 'on'`);
    for (const purpose of keyPurposes) {
      const key = newKey(purpose, wanted.masterKey);
      await db.query(
        `insert into signing_keys (fingerprint, purpose, public_pem, private_sealed)
         select $1, $2, $3, $4 where not exists (select from signing_keys where purpose = $2 and retired_at is null)`,
        [key.fingerprint, purpose, key.pem, key.sealed],
      );
    }
    const found = await db.query<{ id: string }>('select id from tenants where slug = $1', [wanted.slug]);
    const tenantId = found.rows[0]?.id ?? v7();
    await db.query(`select set_config('app.tenant', $1, true)`, [tenantId]);
    if (!found.rows[0]) {
      await db.query('insert into tenants (id, slug, name, four_eyes, operator_signals) values ($1, $2, $2, $3, $4)', [
        tenantId, wanted.slug, wanted.fourEyes, wanted.operatorSignals,
      ]); // prettier-ignore
      await beginTenant(db, tenantId);
    }
    const role = wanted.adminRole ?? 'ADMIN';
    const userId = await ensureUser(db, tenantId, wanted.adminEmail, wanted.adminPassword, role);
    const apiKey = await ensureKey(db, tenantId, userId, wanted.apiKey, role);
    await db.query('commit');
    return { tenantId, apiKey };
  } finally {
    await db.end();
  }
}

/** The user of that address; made with the password when there is none. */
export async function ensureUser(
  db: Client,
  tenantId: string,
  email: string,
  password: string,
  role: string,
): Promise<string> {
  const { rows } = await db.query<{ id: string }>(
    'select id from users where tenant_id = $1 and lower(email) = lower($2)',
    [tenantId, email],
  );
  if (rows[0]) return rows[0].id;
  const id = v7();
  await db.query('insert into users (id, tenant_id, email, full_name, role, password_hash) values ($1, $2, $3, $3, $4, $5)', [
    id, tenantId, email, role, await hash(password),
  ]); // prettier-ignore
  return id;
}

async function ensureKey(
  db: Client,
  tenantId: string,
  userId: string,
  given: string | null,
  role: string,
): Promise<string> {
  if (given !== null) {
    const { rowCount } = await db.query(
      'select 1 from api_keys where tenant_id = $1 and key_hash = $2 and revoked_at is null',
      [tenantId, hashKey(given)],
    );
    if (rowCount) return given;
  }
  return insertKey(db, { tenantId, name: 'administrator', role, userId });
}

/** A key of a user, or of nobody (then it is a service of its own); the only time it is seen. */
export async function insertKey(
  db: { query(sql: string, params: unknown[]): Promise<unknown> },
  of: { tenantId: string; name: string; role: string; userId: string | null },
): Promise<string> {
  const made = newApiKey();
  await db.query(
    `insert into api_keys (id, tenant_id, name, key_hash, key_prefix, role, scopes, user_id) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [v7(), of.tenantId, of.name, made.hash, made.prefix, of.role, scopesOf(of.role), of.userId],
  );
  return made.key;
}

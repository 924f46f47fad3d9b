import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import type { Config } from '../config';
import { system } from '../domain/principal';
import { roleNames } from '../domain/scopes';
import { hashKey } from '../log/credentials';
import { createLogger } from '../log/logger';
import { openKernel } from '../log/open';
import { insertKey, provisionTenant } from '../log/provision';
import { databaseOf } from './local-file';
import { masterKeyOf } from './secrets';

const print = (value: string) => process.stdout.write(`${value}\n`);

/** Makes a tenant in which nobody decides what they asked for, through an agent or not, and prints how to get in. */
export async function addTenant(config: Config, slug: string, adminEmail: string): Promise<void> {
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(slug))
    throw new Error('slug: lower-case letters, digits and hyphens, 63 at most');
  if (!/^\S+@\S+$/.test(adminEmail)) throw new Error('--email: not an e-mail address');
  const databaseUrl = await databaseOf(config);
  if ((await tenantOf(databaseUrl, slug)) !== null) throw new Error(`slug: there is a tenant ${slug} already`);
  const adminPassword = randomBytes(15).toString('base64url');
  const { tenantId, apiKey } = await provisionTenant(databaseUrl, {
    slug,
    fourEyes: 'strict',
    operatorSignals: false,
    adminEmail,
    adminPassword,
    masterKey: masterKeyOf(config),
    apiKey: null,
  });
  print(
    JSON.stringify(
      { tenant_id: tenantId, token: apiKey, admin: { email: adminEmail, password: adminPassword } },
      null,
      2,
    ),
  );
}

export interface WantedKey {
  tenant: string;
  role: string;
  name: string;
}

/** Makes an API key that is a service of its own, and prints it. */
export async function printToken(config: Config, { tenant, role, name }: WantedKey): Promise<void> {
  if (!roleNames.some((known) => known === role)) throw new Error(`--role: one of ${roleNames.join(', ')}`);
  const databaseUrl = await databaseOf(config);
  const tenantId = await tenantOf(databaseUrl, tenant);
  if (tenantId === null) throw new Error(`--tenant: there is no tenant ${tenant}`);
  const known = { ...config, databaseUrl, masterKey: masterKeyOf(config) };
  const { store, pool } = await openKernel(known, createLogger('warn', 'cli'));
  try {
    const key = await store.write(tenantId, async (tx) => {
      const made = await insertKey(tx, { tenantId, name, role, userId: null });
      const { rows } = await tx.query<{ id: string }>('select id from api_keys where key_hash = $1', [hashKey(made)]);
      const subject = { kind: 'api_key' as const, id: rows[0]?.id ?? '' };
      tx.log({ kind: 'api_key.created', actor: system, subject, body: { name, role } });
      return made;
    });
    print(key);
  } finally {
    await pool.end();
  }
}

/** Asks as the database's owner: before the first tenant there are no keys to open a store with. */
async function tenantOf(databaseUrl: string, slug: string): Promise<string | null> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query(`begin read only; set local app.system = 'on'`);
    const { rows } = await client.query<{ id: string }>('select id from tenants where slug = $1', [slug]);
    await client.query('commit');
    return rows[0]?.id ?? null;
  } finally {
    await client.end();
  }
}

import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { v5 } from 'uuid';
import { ensureUser, insertKey, provisionTenant } from '../../log/provision';
import { applyEffect, proposeEffect, useLease } from './effect';

export interface Tenant {
  tenantId: string;
  /** An ADMIN's key. */
  token: string;
  /** The key of a second ADMIN: nobody approves their own request. */
  approver: string;
}

/** Whose key `token` is. */
export const adminEmail = 'admin@local.test';

/** A tenant whose agents may reach the sink, and where operators may decide by Signal. */
export async function addTenant(
  databaseUrl: string,
  masterKey: Buffer,
  slug = `t-${randomBytes(6).toString('hex')}`,
): Promise<Tenant> {
  const { tenantId, apiKey } = await provisionTenant(databaseUrl, {
    slug,
    fourEyes: 'agent_only',
    operatorSignals: true,
    adminEmail,
    adminPassword: randomBytes(12).toString('hex'),
    masterKey,
    apiKey: null,
  });
  const owner = new Client({ connectionString: databaseUrl });
  await owner.connect();
  try {
    const userId = await ensureUser(owner, tenantId, 'second@local.test', randomBytes(12).toString('hex'), 'ADMIN');
    const approver = await insertKey(owner, { tenantId, name: 'second', role: 'ADMIN', userId });
    const analyst = v5('agent:analyst', tenantId);
    for (const tool of [applyEffect, proposeEffect, useLease]) {
      await owner.query(
        `insert into agent_grants (id, tenant_id, agent_id, tool, effect) values ($1, $2, $3, $4, 'ALLOW')`,
        [v5(tool, analyst), tenantId, analyst, tool],
      );
    }
    return { tenantId, token: apiKey, approver };
  } finally {
    await owner.end();
  }
}

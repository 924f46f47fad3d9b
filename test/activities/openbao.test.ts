import { Client } from 'pg';
import { v7 } from 'uuid';
import { vaultCredentials } from '../../activities/integrations/credentials/vault/provider';
import { loadConfig } from '../../config';
import { Refused, Stale, type GrantAsk } from '../../domain/credentials';
import { namespace, realBao } from '../real-bao';
import { freshDatabase } from '../stack';

// The same as vault.test.ts with a real OpenBao, where BAO_BIN names its command: docs/credentials.md.

const bin = process.env['BAO_BIN'];
const withBao = bin === undefined ? describe.skip : describe;

withBao('leases that an OpenBao keeps', () => {
  let bao: Awaited<ReturnType<typeof realBao>>;
  let database: Awaited<ReturnType<typeof freshDatabase>>;
  let owner: Client;
  beforeAll(async () => {
    database = await freshDatabase();
    owner = new Client({ connectionString: database.url });
    await owner.connect();
    bao = await realBao(bin ?? '', database.url);
  });
  afterAll(async () => {
    await bao.close();
    await owner.end();
    await database.drop();
  });

  const provider = () => {
    const { vault } = loadConfig({
      VAULT_ADDR: bao.addr, VAULT_NAMESPACE: namespace, VAULT_ROLE_ID: bao.roleId, VAULT_SECRET_ID: bao.secretId,
      VAULT_TIMEOUT_MS: '5000',
      VAULT_SECRETS: JSON.stringify([
        { system: 'gitlab', path: 'secret/data/gitlab/{resource_id}', policies: ['read-gitlab'] },
        { system: 'postgres', path: 'database/creds/reader', policies: ['read-database'] },
        { system: 'forbidden', path: 'database/creds/reader', policies: ['read-gitlab'] },
      ]),
    }); // prettier-ignore
    if (!vault) throw new Error('no vault is configured');
    return vaultCredentials(vault);
  };
  const asked = (system: string, more: Partial<GrantAsk> = {}): GrantAsk => ({
    tenantId: v7(), leaseId: v7(), fence: 1, keptBy: 'vault', scope: { system, resourceType: 'any', resourceId: 'ops', action: 'read' },
    expiresAt: new Date(Date.now() + 300_000).toISOString(), ttlMs: 300_000, ...more,
  }); // prettier-ignore
  const userOf = (granted: unknown) =>
    JSON.parse((granted as { secret: string }).secret) as { username: string; password: string };
  /** Whether somebody gets into Postgres with it. */
  const opens = async (granted: unknown): Promise<boolean> => {
    const { username: user, password } = userOf(granted);
    const { hostname: host, port, pathname } = new URL(database.url);
    const client = new Client({ host, port: Number(port), database: pathname.slice(1), user, password });
    try {
      await client.connect();
      return true;
    } catch {
      return false;
    } finally {
      await client.end();
    }
  };
  const users = async (): Promise<number> => {
    const { rows } = await owner.query<{ n: number }>(
      `select count(*)::int as n from pg_roles where rolname like 'v-%'`,
    );
    return rows[0]?.n ?? -1;
  };

  it('reads a static secret with a token that is dead after the end', async () => {
    const ask = asked('gitlab');
    expect(await provider().grant(ask)).toEqual({ secret: 'glpat-of-ops', livesMs: 300_000 });
    const path = `secret/data/wheelhouse/leases/${ask.tenantId}/${ask.leaseId}`;
    const record = (await bao.ask('GET', path)) as unknown as { data: { data: { accessor: string } } };
    const look = () => bao.ask('POST', 'auth/token/lookup-accessor', { accessor: record.data.data.accessor });
    expect((await look()).data).toMatchObject({ explicit_max_ttl: 300, orphan: true });
    await provider().revoke({ ...ask, fence: 2 });
    await expect(look()).rejects.toThrow(/40[034]/);
  });

  it('makes a user of Postgres that gets in until the lease is revoked, and not a moment longer', async () => {
    const ask = asked('postgres');
    const granted = await provider().grant(ask);
    expect(granted).toMatchObject({ livesMs: 300_000 });
    expect(await opens(granted)).toBe(true);
    await provider().revoke({ ...ask, fence: 2 });
    expect(await opens(granted)).toBe(false);
    await provider().revoke({ ...ask, fence: 3 });
    await expect(provider().grant({ ...ask, fence: 4 })).rejects.toThrow(Refused);
  });

  it('says when its own limit is sooner', async () => {
    const ask = asked('postgres', { ttlMs: 3_600_000 });
    const { livesMs = 0 } = (await provider().grant(ask)) as { livesMs?: number };
    expect(livesMs).toBeGreaterThan(590_000);
    expect(livesMs).toBeLessThanOrEqual(600_000);
    await provider().revoke({ ...ask, fence: 2 });
  });

  it('an attempt takes the place of the one before; a late one, and one among many, makes nothing', async () => {
    const ask = asked('postgres', { fence: 2 });
    const first = await provider().grant(ask);
    const second = await provider().grant({ ...ask, fence: 3 });
    expect([await opens(first), await opens(second)]).toEqual([false, true]);
    await expect(provider().grant({ ...ask, fence: 1 })).rejects.toThrow(Stale);
    await Promise.allSettled([4, 5, 6].map((fence) => provider().grant({ ...ask, fence })));
    await provider().revoke({ ...ask, fence: 9 });
    expect(await users()).toBe(0);
  });

  it('what the vault does not let the lease read is refused for good', async () => {
    for (const ask of [
      asked('forbidden'),
      asked('gitlab', { scope: { ...asked('gitlab').scope, resourceId: 'unknown' } }),
    ]) {
      await expect(provider().grant(ask)).rejects.toThrow(Refused);
      await provider().revoke({ ...ask, fence: 2 });
    }
  });

  it('sealed, it is trouble, and no end', async () => {
    const p = provider();
    await p.revoke({ ...asked('gitlab'), fence: 2 });
    await bao.seal();
    const failed = await p.grant(asked('gitlab')).catch((e: unknown) => e); // prettier-ignore
    expect(failed).not.toBeInstanceOf(Refused);
    expect((failed as Error).message).toMatch(/is sealed or starting/);
  });
});

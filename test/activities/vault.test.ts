import { v5, v7 } from 'uuid';
import { vaultCredentials } from '../../activities/integrations/credentials/vault/provider';
import { leaseActivities } from '../../activities/integrations/leases';
import { loadConfig } from '../../config';
import { accessRequests } from '../../db/access';
import type { AccessRequest } from '../../domain/access';
import { Refused, Stale, type GrantAsk } from '../../domain/credentials';
import { system } from '../../domain/principal';
import { createLogger } from '../../log/logger';
import { lendTo } from '../../pipeline/credential';
import { openHouse, type House } from '../house';
import { callOf } from '../pipeline/tools/context';
import { roleId, secretId, stubVault } from '../stub-vault';

// Leases whose credentials a vault keeps, over the API of HashiCorp Vault and OpenBao. test/activities/openbao.test.ts does
// as much with a real one.

let vault: Awaited<ReturnType<typeof stubVault>>;
let house: House;
beforeAll(async () => {
  vault = await stubVault();
  vault.put('gitlab/ops', { token: 'glpat-of-ops' });
  house = await openHouse();
});
afterAll(async () => {
  await house.close();
  await vault.close();
});
afterEach(() => {
  vault.seal(false);
  vault.heals();
});

const secrets = [
  {
    system: 'gitlab',
    resource_type: 'project',
    path: 'secret/data/gitlab/{resource_id}',
    policies: ['read-gitlab'],
    field: 'token',
  },
  { system: 'postgres', path: 'database/creds/reader', policies: ['read-database'] },
  { system: 'forbidden', path: 'database/creds/reader', policies: ['nothing'] },
];
const provider = (more: Record<string, string> = {}) => {
  const { vault: settings } = loadConfig({
    VAULT_ADDR: vault.addr, VAULT_NAMESPACE: vault.namespace, VAULT_ROLE_ID: roleId, VAULT_SECRET_ID: secretId,
    VAULT_TIMEOUT_MS: '500', VAULT_SECRETS: JSON.stringify(secrets), ...more,
  }); // prettier-ignore
  if (!settings) throw new Error('no vault is configured');
  return vaultCredentials(settings);
};
const scopes = {
  gitlab: { system: 'gitlab', resourceType: 'project', resourceId: 'ops', action: 'read' },
  postgres: { system: 'postgres', resourceType: 'database', resourceId: 'shop', action: 'read' },
};
const asked = (scope = scopes.postgres, more: Partial<GrantAsk> = {}): GrantAsk => ({
  tenantId: house.tenantId, leaseId: v7(), fence: 1, keptBy: 'vault', scope,
  expiresAt: new Date(Date.now() + 300_000).toISOString(), ttlMs: 300_000, ...more,
}); // prettier-ignore
const secretIn = (granted: unknown): string => (granted as { secret: string }).secret;

test('a static secret is read with a token of the lease’s own, which ends with it', async () => {
  const ask = asked(scopes.gitlab);
  const before = vault.leased();
  expect(await provider().grant(ask)).toEqual({ secret: 'glpat-of-ops', livesMs: 300_000 });
  expect(vault.leased()).toBe(before + 1);
  await provider().revoke({ ...ask, fence: 2 });
  expect(vault.leased()).toBe(before);
});

test('a dynamic secret is made for the lease, renewed to its length, and ended with it at once', async () => {
  const ask = asked();
  const granted = await provider().grant(ask);
  const { username } = JSON.parse(secretIn(granted)) as { username: string };
  expect(granted).toMatchObject({ livesMs: 300_000 }); // the vault gave 60 s at first
  expect(vault.users()).toContain(username);
  await provider().revoke({ ...ask, fence: 2 });
  expect(vault.users()).not.toContain(username);
  expect(vault.calls.filter((c) => c === 'PUT sys/leases/revoke')).not.toEqual([]);
  await provider().revoke({ ...ask, fence: 3 }); // again, as whoever lost the answer does
});

test('one that lives no longer than the vault allows says so', async () => {
  const ask = asked(scopes.postgres, { ttlMs: 3_600_000 });
  expect(await provider().grant(ask)).toMatchObject({ livesMs: 600_000 });
});

test('whatever is lost on the way, a lease has one credential at most, and none after its end', async () => {
  const before = vault.users().length;
  const paths = [/secret\/data\/wheelhouse/, /create-orphan/, /database\/creds/, /leases\/renew/];
  for (const path of paths) {
    const ask = asked();
    vault.fails(path, { kind: 'lose' });
    const first = await provider().grant(ask).catch((e: unknown) => e); // prettier-ignore
    vault.heals();
    if (first instanceof Error) await provider().grant({ ...ask, fence: 2 });
    expect([path, vault.users().length]).toEqual([path, before + 1]);
    vault.fails(/revoke/, { kind: 'lose' });
    await expect(provider().revoke({ ...ask, fence: 3 })).rejects.toThrow();
    vault.heals();
    await provider().revoke({ ...ask, fence: 4 });
    expect([path, vault.users().length]).toEqual([path, before]);
    await expect(provider().grant({ ...ask, fence: 5 })).rejects.toThrow(Refused);
  }
});

test('a late attempt makes nothing; the end of what was never granted, or is forgotten, holds', async () => {
  const ask = asked(scopes.postgres, { fence: 5 });
  await provider().grant(ask);
  await expect(provider().grant({ ...ask, fence: 4 })).rejects.toThrow(Stale);
  await provider().revoke({ ...ask, fence: 6 });
  vault.forget(ask.leaseId);
  await expect(provider().grant({ ...ask, fence: 7 })).rejects.toThrow(Refused);
  const never = asked();
  await provider().revoke({ ...never, fence: 2 });
  await expect(provider().grant(never)).rejects.toThrow(Refused);
});

test('many attempts at once leave one credential, and a revocation among them none', async () => {
  const before = vault.users().length;
  const ask = asked();
  await Promise.allSettled([1, 2, 3, 4].map((fence) => provider().grant({ ...ask, fence })));
  expect(vault.users().length).toBeLessThanOrEqual(before + 1);
  const racing = asked();
  await Promise.allSettled([
    provider().grant(racing),
    provider().grant({ ...racing, fence: 2 }),
    provider().revoke({ ...racing, fence: 3 }),
  ]);
  await provider().revoke({ ...ask, fence: 9 });
  expect(vault.users().length).toBe(before);
});

test.each([
  [
    'nothing is set up for it',
    { system: 'ssh', resourceType: 'host', resourceId: 'a', action: 'read' },
    'nothing is set up',
  ],
  ['the vault has no such secret', { ...scopes.gitlab, resourceId: 'unknown' }, 'lends nothing'],
  ['its policies do not let it', { ...scopes.postgres, system: 'forbidden' }, 'permission denied'],
  ['it would be another path', { ...scopes.gitlab, resourceId: '../wheelhouse' }, 'no part of a path'],
])('is refused for good when %s', async (_why, scope, words) => {
  const refused = await provider().grant(asked(scope)).catch((e: unknown) => e); // prettier-ignore
  expect(refused).toBeInstanceOf(Refused);
  expect((refused as Error).message).toContain(words);
});

test.each<[string, () => void, RegExp]>([
  ['is sealed', () => vault.seal(true), /is sealed or starting: Vault is sealed/],
  ['is a standby', () => vault.fails(/./, { kind: 'http', status: 473 }, 9), /is a standby/],
  ['asks to wait', () => vault.fails(/./, { kind: 'http', status: 429 }, 9), /asked too often/],
  ['fails', () => vault.fails(/./, { kind: 'http', status: 500, errors: ['oh\u0000no'] }, 9), /answered 500/],
  ['does not answer', () => vault.fails(/./, { kind: 'silence' }, 9), /no answer within 500 ms/],
  [
    'does not know us',
    () => vault.fails(/login/, { kind: 'http', status: 400, errors: ['invalid role'] }, 9),
    /does not let us in/,
  ],
])('a vault that %s is trouble, not an end: it is asked again', async (_what, happens, words) => {
  const ask = asked();
  happens();
  for (const call of [provider().grant(ask), provider().revoke({ ...ask, fence: 2 })]) {
    const failed = await call.catch((e: unknown) => e); // prettier-ignore
    expect(failed).toBeInstanceOf(Error);
    expect(failed).not.toBeInstanceOf(Refused);
    expect((failed as Error).message).toMatch(words);
    expect((failed as Error).message).not.toContain(secretId);
  }
});

test('of several nodes the next is asked where one cannot; a token that ended is another log-in', async () => {
  const other = await stubVault();
  other.seal(true);
  const p = provider({ VAULT_ADDR: `${other.addr},${vault.addr}` });
  await p.revoke({ ...asked(), fence: 2 });
  await other.close();
  await p.revoke({ ...asked(), fence: 2 });
  const logins = () => vault.calls.filter((c) => c.includes('login')).length;
  const before = logins();
  await p.revoke({ ...asked(), fence: 2 });
  expect(logins()).toBe(before);
  vault.endSessions(1);
  await p.revoke({ ...asked(), fence: 2 });
  expect(logins()).toBe(before + 1);
  const renewed = () => vault.calls.filter((c) => c.includes('renew-self')).length;
  const once = renewed();
  while (renewed() === once) await p.revoke({ ...asked(), fence: 2 }); // at two thirds of its second
  vault.endSessions();
});

test('through the activities: lent to a call of its run, shorter where the vault says so, gone when it is revoked', async () => {
  const { store, masterKey } = house;
  const leases = leaseActivities({ store, masterKey, credentials: provider(), logger: createLogger('silent', 'test') });
  const run = await house.run(await house.ticket());
  const at = new Date().toISOString();
  const access: AccessRequest = {
    id: v7(), tenantId: run.tenantId, number: 0, ticketId: run.ticketId, accessTicketId: run.ticketId, runId: run.id, agentId: run.agentId, gateId: v7(),
    resource: 'shop', permission: 'read', accountRef: null, reason: null, assignmentGroup: 'IAM', raci: null, syncProvider: null, label: null, riskLevel: 'low', lease: scopes.postgres, leaseId: null,
    status: 'approved', requester: system, onBehalfOf: null, approvalActor: null, evidence: null, createdAt: at, updatedAt: at, version: 1,
  }; // prettier-ignore
  await store.write(run.tenantId, (tx) => accessRequests.insert(tx, access));
  const lent = await leases.grantLease(access, 8 * 3_600_000);
  expect(lent).toMatchObject({ leaseId: v5('lease', access.id) });
  const life = lent && 'lifeMs' in lent ? lent.lifeMs : 0;
  expect(life).toBeGreaterThan(500_000);
  expect(life).toBeLessThanOrEqual(600_000);
  const credential = lendTo(house, callOf(run, 'any', {}), new AbortController().signal);
  const { username } = JSON.parse((await credential(scopes.postgres)).secret) as { username: string };
  expect(vault.users()).toContain(username);
  vault.seal(true);
  await expect(leases.revokeLease(access, 'its run is over')).rejects.toThrow('sealed');
  const row = async () => (await house.owner.query('select status, kept_by, revoke_error from leases where id = $1', [v5('lease', access.id)])).rows[0]; // prettier-ignore
  expect(await row()).toMatchObject({
    status: 'revoking',
    kept_by: 'vault',
    revoke_error: expect.stringContaining('sealed'),
  });
  vault.seal(false);
  await leases.revokeLease(access, 'its run is over');
  expect(await row()).toMatchObject({ status: 'revoked', revoke_error: null });
  expect(vault.users()).not.toContain(username);
});

test.each([
  [{ VAULT_TOKEN: 'x' }, /one of them/],
  [{ VAULT_SECRET_ID: '' }, /VAULT_SECRET_ID/],
  [{ VAULT_SECRETS: '[{' }, /VAULT_SECRETS: must be JSON/],
  [{ VAULT_SECRETS: '[{"system":"a","path":"secret/data/../x","policies":["p"]}]' }, /VAULT_SECRETS.0.path/],
  [{ VAULT_ADDR: 'https://vault/v1' }, /VAULT_ADDR/],
])('%j does not start', (wrong, words) => {
  expect(() => provider(wrong)).toThrow(words);
});

import { randomUUID } from 'node:crypto';
import { leaseFor, secretOf } from '../../pipeline/credential';
import { createStore } from '../../log/store';
import { loadKeyring } from '../../log/keys';
import { appPool } from '../../db/pool';
import { startServer, until, type Server } from '../harness';
import { waitingAgent } from './working';

// Secrets that a tenant keeps here, and leases that lend them.

let server: Server;
let masterKey: Buffer;
let pool: ReturnType<typeof appPool>;
let store: ReturnType<typeof createStore>;
beforeAll(async () => {
  server = await startServer();
  if (!server.config.masterKey || server.config.databaseUrl === null) throw new Error('no key, or no database');
  ({ masterKey } = server.config);
  pool = appPool(server.config.databaseUrl, 2, () => undefined);
  store = createStore(pool, await loadKeyring(pool, masterKey));
});
afterAll(async () => {
  await pool.end();
  await server.close();
});

const put = (body: object, headers = {}) => server.call('POST', '/api/vault/secrets', body, headers);
const gitlab = { system: 'gitlab', resource_type: 'project' };

/** A lease of a fresh run, as people lend it, and what a tool of the run would be handed. */
async function lent(resource: string) {
  const { ticket, agent } = await waitingAgent(server);
  const asked = await server.call('POST', `/api/tickets/${ticket}/access-request`, {
    resource,
    permission: 'read',
    agent_id: agent,
  });
  const second = server.as((await server.user('SECURITY_ANALYST')).token);
  for (const move of ['approve', 'complete'])
    expect((await second('POST', `/api/changes/${asked.body.change_id}/${move}`, { result: 'granted' })).status).toBe(
      200,
    );
  const { rows } = await server.owner.query<{ id: string }>('select id from runs where number = $1', [agent]);
  const run = rows[0]?.id ?? '';
  const handed = () =>
    store.write(server.tenantId, async (tx) => {
      const resourceId = resource.split(' ').at(-1) ?? '';
      const lease = await leaseFor(tx, run, { system: 'gitlab', resourceType: 'project', resourceId, action: 'read' });
      return lease && secretOf(masterKey, lease);
    });
  const lease = async () => (await server.call('GET', `/api/agents/${agent}/vault`)).body.leases[0];
  return { agent, handed, lease };
}

test('is kept under what it opens, listed without its value, replaced, and deleted', async () => {
  const made = await put({ ...gitlab, resource_id: 'demo/listed', value: 'glpat-first-value' });
  expect(made).toMatchObject({
    status: 200,
    body: {
      path: 'gitlab/project/demo/listed',
      action: '*',
      version: 1,
      replaced: false,
      secret_values_returned: false,
    },
  });
  const again = await put({ ...gitlab, resource_id: 'demo/listed', value: 'glpat-second-value' });
  expect(again.body).toMatchObject({ id: made.body.id, version: 2, replaced: true });
  const listed = await server.call('GET', '/api/vault/secrets');
  expect(listed.body.secrets).toMatchObject([{ id: made.body.id, version: 2, changed_by: server.admin.email }]);
  expect(await server.call('DELETE', `/api/vault/secrets/${made.body.id}`)).toMatchObject({
    status: 200,
    body: { leases_ended: 0 },
  });
  expect((await server.call('DELETE', `/api/vault/secrets/${made.body.id}`)).status).toBe(404);
  const { rows } = await server.owner.query<{ kind: string; text: string }>(
    `select kind, body::text as text from log where subject_kind = 'secret' order by seq`,
  );
  expect(rows.map((r) => r.kind)).toEqual(['secret.kept', 'secret.replaced', 'secret.deleted']);
  for (const text of [made.text, again.text, listed.text, ...rows.map((r) => r.text)])
    expect(text).not.toContain('glpat-');
});

test('a repeat whose answer was lost changes nothing', async () => {
  const key = { 'idempotency-key': randomUUID() };
  const body = { ...gitlab, resource_id: 'demo/once', value: 'once' };
  const first = await put(body, key);
  await server.owner.query('delete from idempotency_keys');
  expect((await put(body, key)).body).toEqual(first.body);
});

test('only those who manage secrets may', async () => {
  for (const role of ['soc-manager', 'SECURITY_ANALYST', 'DEVELOPER', 'READ_ONLY']) {
    const as = server.as((await server.user(role)).token);
    expect((await as('GET', '/api/vault/secrets')).body.required_permission).toBe('secrets:manage');
    expect((await as('POST', '/api/vault/secrets', { ...gitlab, value: 'x' })).status).toBe(403);
  }
});

test('a lease lends it by reference: as it is at its use, and no more once it is deleted', async () => {
  const { body } = await put({ ...gitlab, resource_id: 'demo/*', value: 'of all of demo' });
  await put({ ...gitlab, resource_id: 'demo/*', action: 'write', value: 'to write' });
  const { handed, lease } = await lent('GitLab project demo/infra');
  expect(await handed()).toBe('of all of demo');
  const copies = await server.owner.query(
    'select 1 from leases where secret_sealed is not null and kept_secret_id is not null',
  );
  expect(copies.rows).toEqual([]);
  await put({ ...gitlab, resource_id: 'demo/*', value: 'rotated' });
  expect(await handed()).toBe('rotated');
  expect(await lease()).toMatchObject({ lease_status: 'active' });
  expect((await server.call('DELETE', `/api/vault/secrets/${body.id}`)).body).toMatchObject({ leases_ended: 1 });
  expect(await handed()).toBeNull();
  expect(await lease()).toMatchObject({ lease_status: 'revoked' });
});

test('the narrowest that fits is lent; where none does, a fresh secret that nobody else knows', async () => {
  await put({ ...gitlab, resource_id: '*', value: 'of any project' });
  await put({ ...gitlab, resource_id: 'shop/cart', value: 'of the cart' });
  expect(await (await lent('GitLab project shop/cart')).handed()).toBe('of the cart');
  const { agent, handed } = await lent('GitLab project shop/search');
  expect(await handed()).toBe('of any project');
  await server.call('POST', `/api/agents/${agent}/stop`);
  await until(async () => (await handed()) === null, 'the lease to end with its run');
});

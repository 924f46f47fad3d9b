import { randomUUID } from 'node:crypto';
import { caller, startServer, type Answer, type Server } from '../harness';

let s: Server;
beforeAll(async () => void (s = await startServer({}, { worker: false })));
afterAll(() => s.close());

interface Client {
  client_id: string;
  client_secret: string;
}
const make = async (more: object = {}): Promise<Client> =>
  (await s.call('POST', '/v1/oauth/clients', { name: 'pipeline', ...more })).body.data;
const form = { 'content-type': 'application/x-www-form-urlencoded' };
const ask = (body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  s.as('')('POST', '/oauth/token', body, headers);
const granted = (of: Client, more: object = {}) =>
  ask({ grant_type: 'client_credentials', client_id: of.client_id, client_secret: of.client_secret, ...more });
const basic = (id: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`,
});
const logged = async (kind: string) =>
  (await s.owner.query('select actor, subject_id, body, reason from log where kind = $1 order by seq', [kind])).rows;

test('a client gets a token, by JSON, by form and by Basic, that opens every door as far as its scopes', async () => {
  const of = await make({ scopes: ['agents:read', 'tickets:read'] });
  const byJson = await granted(of);
  expect([byJson.status, byJson.body]).toEqual([
    200,
    { access_token: expect.any(String), token_type: 'Bearer', expires_in: 900, scope: 'agents:read tickets:read' },
  ]);
  expect([byJson.headers.get('cache-control'), byJson.headers.get('pragma')]).toEqual(['no-store', 'no-cache']);
  expect(byJson.headers.get('x-ratelimit-limit')).not.toBeNull();
  const fields = new URLSearchParams({ grant_type: 'client_credentials', client_id: of.client_id, client_secret: of.client_secret }); // prettier-ignore
  expect((await ask(fields.toString(), form)).status).toBe(200);
  const byBasic = await ask('grant_type=client_credentials&scope=agents%3Aread', {
    ...form,
    ...basic(of.client_id, of.client_secret),
  });
  expect([byBasic.status, byBasic.body.scope]).toEqual([200, 'agents:read']);
  const call = caller(s.url, byJson.body.access_token);
  const narrow = caller(s.url, byBasic.body.access_token);
  expect((await call('GET', '/v1/agents')).status).toBe(200);
  expect((await call('GET', '/api/tickets')).status).toBe(200);
  expect((await call('GET', '/agents', undefined, { 'x-tenant-id': s.tenantId })).status).toBe(200);
  expect((await narrow('GET', '/api/tickets')).status).toBe(403);
  expect((await call('POST', '/v1/agents', { name: 'x', type: 'y' })).status).toBe(403);
  const [issued] = await logged('oauth.token_issued');
  expect(issued).toMatchObject({
    actor: { kind: 'service', name: 'pipeline' },
    body: { scopes: ['agents:read', 'tickets:read'] },
  });
  // It is no session: there is nothing to renew.
  expect((await call('POST', '/auth/refresh', undefined, { 'x-tenant-id': s.tenantId })).status).toBe(400);
});

test('what is wrong is said in the words of RFC 6749', async () => {
  const of = await make({ scopes: ['agents:read'] });
  const right = { grant_type: 'client_credentials', client_id: of.client_id, client_secret: of.client_secret };
  const foreign = (await make()).client_id;
  const cases: [body: unknown, headers: Record<string, string>, status: number, error: string][] = [
    [{ ...right, grant_type: undefined }, {}, 400, 'invalid_request'],
    [{ ...right, grant_type: 'password' }, {}, 400, 'unsupported_grant_type'],
    [{ ...right, client_secret: 'ocs_wrong' }, {}, 401, 'invalid_client'],
    [{ ...right, client_id: foreign }, {}, 401, 'invalid_client'],
    [{ ...right, client_id: 'nobody' }, {}, 401, 'invalid_client'],
    [{ grant_type: 'client_credentials' }, {}, 401, 'invalid_client'],
    [{ ...right, scope: 'agents:read agents:manage' }, {}, 400, 'invalid_scope'],
    [right, basic(of.client_id, of.client_secret), 400, 'invalid_request'],
    [{ grant_type: 'client_credentials' }, { authorization: 'Basic !!!' }, 401, 'invalid_client'],
    ['grant_type=client_credentials&grant_type=password', form, 400, 'invalid_request'],
    ['{', {}, 400, 'invalid_request'],
    ['x', { 'content-type': 'text/plain' }, 415, 'invalid_request'],
  ];
  for (const [body, headers, status, error] of cases) {
    const a = await ask(body, headers);
    expect([body, a.status, a.body]).toEqual([
      body,
      status,
      { error, error_description: expect.stringMatching(/^[ !#-[\]-~]+$/) },
    ]);
    expect(a.headers.get('www-authenticate')).toEqual(status === 401 ? expect.stringMatching(/^Basic /) : null);
  }
  expect((await logged('oauth.token_refused')).length).toBe(2);
  expect((await s.as('')('GET', '/oauth/token')).status).toBe(405);
});

test('a secret is rotated with an overlap, and not stored as it is', async () => {
  const of = await make();
  const rotate = async (overlap: number) =>
    (await s.call('POST', `/v1/oauth/clients/${of.client_id}/rotate`, { overlap_seconds: overlap })).body.data;
  const second = await rotate(600);
  expect(second.secrets).toHaveLength(2);
  const good = async (secret: string) => (await granted({ ...of, client_secret: secret })).status;
  expect([await good(of.client_secret), await good(second.client_secret)]).toEqual([200, 200]);
  const third = await rotate(600);
  expect([await good(of.client_secret), await good(second.client_secret), await good(third.client_secret)]).toEqual([
    401, 200, 200,
  ]);
  const fourth = await rotate(0);
  expect([await good(third.client_secret), await good(fourth.client_secret)]).toEqual([401, 200]);
  const { rows } = await s.owner.query(`select row_to_json(x)::text as t from oauth_client_secrets x`);
  for (const { t } of rows)
    for (const secret of [of, second, third, fourth]) expect(t).not.toContain(secret.client_secret);
  const key = { 'idempotency-key': randomUUID() };
  const path = `/v1/oauth/clients/${of.client_id}/rotate`;
  const once = await s.call('POST', path, {}, key);
  await s.owner.query('delete from idempotency_keys');
  expect([once.status, (await s.call('POST', path, {}, key)).status]).toEqual([200, 409]);
});

test('a revoked client opens nothing, nor do its tokens, nor one whose scope it lost', async () => {
  const of = await make({ scopes: ['agents:read'] });
  const call = caller(s.url, (await granted(of)).body.access_token);
  expect((await call('GET', '/v1/agents')).status).toBe(200);
  const stream = await fetch(`${s.url}/events/stream`, { headers: { authorization: `Bearer ${(await granted(await make())).body.access_token}`, 'x-tenant-id': s.tenantId } }); // prettier-ignore
  expect(stream.status).toBe(200);
  await stream.body?.cancel();
  expect((await s.call('DELETE', `/v1/oauth/clients/${of.client_id}`)).body).toEqual({
    data: { client_id: of.client_id, revoked: true },
  });
  expect((await call('GET', '/v1/agents')).status).toBe(401);
  expect((await granted(of)).body.error).toBe('invalid_client');
  expect((await s.call('POST', `/v1/oauth/clients/${of.client_id}/rotate`, {})).status).toBe(404);
  expect((await s.call('DELETE', `/v1/oauth/clients/${of.client_id}`)).status).toBe(200);
  expect(await logged('oauth.client_revoked')).toHaveLength(1);
  const list = (await s.call('GET', '/v1/oauth/clients?limit=100')).body.data;
  expect(list.find((c: Client) => c.client_id === of.client_id)).toMatchObject({
    revoked_at: expect.any(String),
    secrets: [],
  });
  expect(JSON.stringify(list)).not.toContain('ocs_');
});

test('a client decides on nothing, makes no credentials, and has no more than whoever made it', async () => {
  for (const scope of ['changes:approve', 'keys:manage', 'users:manage'])
    expect((await s.call('POST', '/v1/oauth/clients', { name: 'x', scopes: [scope] })).status).toBe(403);
  const { body } = await granted(await make());
  expect(body.scope.split(' ')).not.toContain('changes:approve');
  const { token } = await s.user('DEVELOPER');
  expect((await s.as(token)('POST', '/v1/oauth/clients', { name: 'x' })).status).toBe(403);
});

test('the documents say where tokens are, for the server and for the MCP endpoint', async () => {
  const at = async (path: string) => (await s.as('')('GET', `/.well-known/${path}`)).body;
  expect(await at('oauth-authorization-server')).toMatchObject({
    issuer: s.url, token_endpoint: `${s.url}/oauth/token`, grant_types_supported: ['client_credentials'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
  }); // prettier-ignore
  // And so the resource of the MCP endpoint names this server as who gives them out.
  expect(await at('oauth-protected-resource/mcp')).toMatchObject({
    resource: `${s.url}/mcp`,
    authorization_servers: [s.url],
  });
});

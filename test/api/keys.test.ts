import { randomUUID } from 'node:crypto';
import { agentScopes, scopes, scopesOf } from '../../domain/scopes';
import { startServer, type Server } from '../harness';

let server: Server;
let agentId: string;
beforeAll(async () => {
  server = await startServer({}, { worker: false });
  agentId =
    (await server.owner.query<{ id: string }>('select id from agents where tenant_id = $1', [server.tenantId])).rows[0]
      ?.id ?? '';
});
afterAll(() => server.close());

const make = async (body: Record<string, unknown> = {}, token = server.token, headers: Record<string, string> = {}) =>
  server.as(token)('POST', '/api-keys', { name: 'ci', ...body }, headers);
const rowOf = async (id: string) => (await server.owner.query('select * from api_keys where id = $1', [id])).rows[0];

test('made: shown once, stored as a digest, listed without the secret, and it works', async () => {
  const { status, body } = await make();
  expect(status).toBe(201);
  const { api_key: key, ...row } = body.data;
  expect(key).toMatch(/^acp_[A-Za-z0-9_-]{43}$/);
  expect(row).toEqual({
    id: expect.any(String), tenant_id: server.tenantId, name: 'ci', key_prefix: key.slice(0, 12), role: 'DEVELOPER',
    scopes: [...scopesOf('DEVELOPER')], agent_id: null, created_at: expect.stringMatching(/\.\d{6}\+00:00$/), expires_at: null,
  }); // prettier-ignore
  expect(JSON.stringify(await rowOf(row.id))).not.toContain(key);
  const listed = (await server.call('GET', '/api-keys')).body.data;
  expect(listed[0]).toEqual({ ...row, is_active: true, last_used_at: null });
  expect(JSON.stringify(listed)).not.toContain(key);
  expect((await server.as(key)('GET', '/audit/logs')).status).toBe(200);
  expect((await server.as('')('GET', '/audit/logs', undefined, { 'x-api-key': key })).status).toBe(200);
});

test('it acts as its maker, and never holds more than its maker', async () => {
  const { body } = await make({ role: 'ADMIN' });
  const me = await server.as(body.data.api_key)('GET', '/auth/me');
  expect(me.body.data.email).toBe(server.admin.email);

  const narrow = await make({ role: 'ADMIN', scopes: ['keys:manage', 'tickets:read'] });
  const grown = await make({ role: 'ADMIN' }, narrow.body.data.api_key);
  expect(grown.body.data.scopes).toEqual(['tickets:read', 'keys:manage']);
  expect(
    (await server.as(grown.body.data.api_key)('POST', `/decision/kill-switch/${server.tenantId}`, {})).status,
  ).toBe(403);
  const beyond = await make({ role: 'ADMIN', scopes: ['changes:approve'] }, narrow.body.data.api_key);
  expect([beyond.status, beyond.body.required_permission]).toEqual([403, 'changes:approve']);
  expect((await make({ role: 'READ_ONLY', scopes: ['tickets:create'] })).status).toBe(403);
});

test('a key for an agent acts as the agent, and may only what agents may', async () => {
  const { body } = await make({ agent_id: agentId, role: 'ADMIN' });
  expect(body.data).toMatchObject({ agent_id: agentId, role: 'ADMIN' });
  expect([...body.data.scopes].sort()).toEqual(scopes.filter((x) => agentScopes.includes(x)).sort());
  expect((await make({ agent_id: agentId })).body.data.role).toBe('agent');
  const other = await server.tenant();
  const foreign = await server.owner.query<{ id: string }>('select id from agents where tenant_id = $1', [
    other.tenantId,
  ]);
  for (const id of [foreign.rows[0]?.id, '01890000-0000-7000-8000-0000000000ff'])
    expect((await make({ agent_id: id })).status).toBe(404);
});

test('a service makes no keys that act as somebody', async () => {
  const { body } = await make({ role: 'ADMIN' });
  await server.owner.query('update api_keys set user_id = null where id = $1', [body.data.id]);
  expect((await make({}, body.data.api_key)).body.reason).toBe('no_user');
  expect((await make({ agent_id: agentId }, body.data.api_key)).status).toBe(201);
});

test.each([
  [{ name: '' }, 'name'],
  [{ name: 'x'.repeat(101) }, 'name'],
  [{ expires_at: '2020-01-01T00:00:00Z' }, 'expires_at'],
  [{ expires_at: 'tomorrow' }, 'expires_at'],
  [{ role: 'EVERYTHING' }, 'role'],
  [{ scopes: ['everything'] }, 'scopes'],
])('%j is 422 and names %s', async (body, field) => {
  const { status, body: answer } = await make(body);
  expect([status, answer.error, answer.meta.details[0].loc[1]]).toEqual([422, 'Validation failed', field]);
});

test('an expired key, and one of a user who left, opens nothing', async () => {
  const { body } = await make({ expires_at: new Date(Date.now() + 3_600_000).toISOString() });
  const key = body.data.api_key as string;
  expect((await server.as(key)('GET', '/audit/logs')).status).toBe(200);
  await server.owner.query(`update api_keys set expires_at = now() where id = $1`, [body.data.id]);
  expect((await server.as(key)('GET', '/audit/logs')).status).toBe(401);
  const listed = (await server.call('GET', '/api-keys')).body.data.find((k: { id: string }) => k.id === body.data.id);
  expect(listed.is_active).toBe(false);
});

test('a key bound to a run that is not there opens nothing', async () => {
  const { body } = await make({});
  await server.owner.query('update api_keys set run_id = $2 where id = $1', [body.data.id, randomUUID()]);
  expect((await server.as(body.data.api_key as string)('GET', '/api/tickets')).status).toBe(401);
});

test('revoked: dead at the next request; again changes nothing; another tenant finds none', async () => {
  const { id, api_key: key } = (await make()).body.data;
  const other = await server.tenant();
  const foreign = await server.as(other.token)('DELETE', `/api-keys/${id}`);
  const missing = await server.as(other.token)('DELETE', '/api-keys/01890000-0000-7000-8000-0000000000ff');
  expect([foreign.status, missing.status]).toEqual([404, 404]);
  expect((await server.as(key)('GET', '/audit/logs')).status).toBe(200);
  expect((await server.call('DELETE', `/api-keys/${id}`)).body).toEqual({
    success: true,
    data: null,
    error: null,
    meta: null,
  });
  expect((await server.as(key)('GET', '/audit/logs')).body.error).toBe('Invalid or expired token');
  expect((await server.call('DELETE', `/api-keys/${id}`)).status).toBe(200);
  const { rows } = await server.owner.query(`select kind, actor, body from log where subject_id = $1 order by seq`, [
    id,
  ]);
  expect(rows.map((r) => r.kind)).toEqual(['api_key.created', 'api_key.revoked']);
  expect(JSON.stringify(rows)).not.toContain(key);
});

test('validate answers whose key it is, for this tenant only', async () => {
  const validate = (api_key: string) => server.call('POST', '/api-keys/validate', { api_key });
  const { api_key: key, ...row } = (await make()).body.data;
  expect((await validate(key)).body.data).toEqual({ ...row, is_active: true, last_used_at: null });
  const other = await server.tenant();
  await server.call('DELETE', `/api-keys/${row.id}`);
  for (const dead of [key, other.token, 'acp_nothing', '\u00fc']) expect((await validate(dead)).status).toBe(401);
  const reader = await server.user('READ_ONLY');
  expect((await server.as(reader.token)('POST', '/api-keys/validate', { api_key: key })).status).toBe(403);
});

test('with an Idempotency-Key, a repeat gets the very same key and makes no other', async () => {
  const headers = { 'idempotency-key': 'make-one' };
  const first = await make({ name: 'once' }, server.token, headers);
  const again = await make({ name: 'once' }, server.token, headers);
  expect(again.body).toEqual(first.body);
  expect(again.headers.get('idempotent-replayed')).toBe('true');
  expect((await make({ name: 'twice' }, server.token, headers)).status).toBe(400);
  const { rows } = await server.owner.query(`select 1 from api_keys where name = 'once'`);
  expect(rows).toHaveLength(1);
  const { rows: kept } = await server.owner.query<{ answer_sealed: Buffer }>(
    'select answer_sealed from idempotency_keys',
  );
  expect(kept.some((k) => k.answer_sealed.includes(first.body.data.api_key))).toBe(false);
  // The server died between the two writes: the secret is gone, and the answer says what to do.
  await server.owner.query('delete from idempotency_keys');
  const lost = await make({ name: 'once' }, server.token, headers);
  expect([lost.status, lost.body.api_key_id]).toEqual([409, first.body.data.id]);
});

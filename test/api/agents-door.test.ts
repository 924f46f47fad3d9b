import { randomUUID } from 'node:crypto';
import { startServer, type Server } from '../harness';

let s: Server;
beforeAll(async () => void (s = await startServer({}, { worker: false })));
afterAll(() => s.close());

let made = 0;
const body = (more: object = {}) => ({
  name: `sorter-${(made += 1)}`, description: 'Sorts the mail by its topic', owner_id: 'dana', ...more,
}); // prettier-ignore
const create = async (more: object = {}) => (await s.call('POST', '/agents', body(more))).body.data;
const act = (agent: string, tool: string) => s.call('POST', '/execute', { tool }, { 'x-agent-id': agent });
const logged = async (kind: string, agent: string) =>
  (await s.owner.query('select * from log where kind = $1 and agent_id = $2', [kind, agent])).rowCount;

test('an agent is registered once, is in the lists of both doors, and is refused what it is not granted', async () => {
  const given = body({ risk_level: 'high', metadata: { team: 'mail' } });
  const a = await s.call('POST', '/agents', given);
  expect([a.status, a.body.data]).toEqual([
    201,
    {
      ...given, id: expect.any(String), tenant_id: s.tenantId, org_id: s.tenantId, status: 'ACTIVE', restricted_because: null, restricted_until: null,
      created_at: expect.any(String), updated_at: expect.any(String), deleted_at: null, permissions: [],
    },
  ]); // prettier-ignore
  const { id } = a.body.data;
  expect((await s.call('POST', '/agents', given)).status).toBe(409);
  const key = { 'idempotency-key': randomUUID() };
  const first = body();
  const once = await s.call('POST', '/agents', first, key);
  await s.owner.query('delete from idempotency_keys');
  expect((await s.call('POST', '/agents', first, key)).body).toEqual(once.body);
  expect((await s.call('GET', `/agents/${id}`)).body.data).toEqual(a.body.data);
  const fleet = await s.call('GET', `/functions/v1/api/v1/agent-ops/registry/${id}`);
  expect(fleet.body.data).toMatchObject({ name: given.name, status: 'active', runtime: 'external' });
  const page = (await s.call('GET', '/agents?owner_id=dana&size=1')).body.data;
  expect(page).toMatchObject({ total: 2, page: 1, size: 1, pages: 2, items: [{ id: once.body.data.id }] });
  expect((await act(id, 'web_search')).status).toBe(403);
  expect(await logged('agent.registered', id)).toBe(1);
});

test('what does not fit is 422 and names its part', async () => {
  const agent = (await create()).id;
  const post = (path: string) => (wrong: object) => s.call('POST', path, wrong);
  const cases: [send: (wrong: object) => ReturnType<Server['call']>, wrong: object, field: string][] = [
    [post('/agents'), body({ name: 'Sorter' }), 'name'],
    [post('/agents'), body({ name: 'ab' }), 'name'],
    [post('/agents'), body({ description: 'short' }), 'description'],
    [post('/agents'), body({ description: 'x'.repeat(501) }), 'description'],
    [post('/agents'), body({ description: 'Sorts <script>alert(1)</script>' }), 'description'],
    [post('/agents'), body({ risk_level: 'none' }), 'risk_level'],
    [post('/agents'), { name: 'sorter-x', description: 'Sorts the mail by its topic' }, 'owner_id'],
    [(w) => s.call('PATCH', `/agents/${agent}`, w), { status: 'GONE' }, 'status'],
    [post(`/agents/${agent}/permissions`), { tool_name: 'Read File' }, 'tool_name'],
    [post(`/agents/${agent}/permissions`), { tool_name: 'a', action: 'MAYBE' }, 'action'],
    [post(`/agents/${agent}/permissions`), { tool_name: 'a', expires_at: '2020-01-01T00:00:00Z' }, 'expires_at'],
  ];
  for (const [send, wrong, field] of cases) {
    const a = await send(wrong);
    expect([field, a.status, a.body.meta.details[0].loc]).toEqual([field, 422, ['body', field]]);
  }
  expect((await s.call('GET', `/agents/${randomUUID()}`)).status).toBe(404);
});

test('how an agent stands counts from its next call on, at every door', async () => {
  const { id } = await create();
  await s.call('POST', `/agents/${id}/permissions`, { tool_name: 'web_search' });
  const stands = async (status: string, reason?: string) =>
    (await s.call('PATCH', `/agents/${id}`, { status, ...(reason && { reason }) })).body.data.status;
  const fleet = async () => (await s.call('GET', `/functions/v1/api/v1/agent-ops/registry/${id}`)).body.data.status;
  const seen: unknown[] = [];
  for (const status of ['QUARANTINED', 'SUSPENDED', 'INACTIVE', 'THROTTLED', 'TERMINATED', 'ACTIVE']) {
    const shown = await stands(status, 'it ran wild');
    const a = await act(id, 'web_search');
    seen.push([shown, await fleet(), a.status, a.body.error]);
  }
  expect(seen).toEqual([
    ['QUARANTINED', 'paused', 403, 'agent_quarantined: it ran wild'],
    ['SUSPENDED', 'paused', 403, 'policy_denied'],
    ['INACTIVE', 'paused', 403, 'policy_denied'],
    ['THROTTLED', 'active', 200, null],
    ['TERMINATED', 'disabled', 403, 'policy_denied'],
    ['ACTIVE', 'active', 200, null],
  ]);
  await stands('QUARANTINED');
  const { status } = await s.call('PATCH', `/functions/v1/api/v1/agent-ops/registry/${id}`, { status: 'active' });
  expect([status, (await act(id, 'web_search')).status]).toEqual([200, 403]); // another door does not let it out
  const tiles = (await s.call('GET', '/agents/summary')).body.data;
  expect(tiles).toMatchObject({ quarantined: 1, total: expect.any(Number), active: expect.any(Number) });
  expect((await s.call('GET', '/agents?status=QUARANTINED')).body.data.items.map((x: { id: string }) => x.id)).toEqual([
    id,
  ]);
});

test('grants: once each, at once, over at their time; a denial beats what is allowed, until it is taken back', async () => {
  const { id } = await create();
  const path = `/agents/${id}/permissions`;
  const give = async (more: object) => s.call('POST', path, { tool_name: 'web_search', ...more });
  const allowed = await give({ expires_at: new Date(Date.now() + 60_000).toISOString() });
  expect([allowed.status, allowed.body.data]).toMatchObject([
    201,
    { agent_id: id, action: 'ALLOW', granted_by: s.admin.email },
  ]);
  expect((await give({})).status).toBe(409);
  expect((await act(id, 'web_search')).status).toBe(200);
  await s.owner.query(`update agent_grants set expires_at = now() - interval '1 second' where agent_id = $1`, [id]);
  expect((await act(id, 'web_search')).body.reason).toBe('tool_not_granted');
  expect((await give({ granted_by: 'erin' })).body.data).toMatchObject({ granted_by: 'erin', expires_at: null });
  const denied = (await give({ action: 'DENY' })).body.data;
  expect((await act(id, 'web_search')).body.reason).toBe('tool_denied');
  expect((await s.call('GET', path)).body.data).toHaveLength(2);
  expect((await s.call('DELETE', `${path}/${denied.id}`)).body.data).toEqual({ revoked: true });
  expect((await s.call('DELETE', `${path}/${denied.id}`)).status).toBe(404);
  expect((await act(id, 'web_search')).status).toBe(200);
  // What was granted here is no capability: who changes those changes nothing of it.
  await s.call('PATCH', `/functions/v1/api/v1/agent-ops/registry/${id}`, { capabilities: ['logs.search'] });
  expect((await act(id, 'web_search')).status).toBe(200);
  expect([await logged('agent.permission_granted', id), await logged('agent.permission_revoked', id)]).toEqual([3, 1]);
  const tools = (await s.call('GET', '/registry/tools')).body.data as string[];
  expect(tools).toEqual([...tools].sort());
  expect(tools).toEqual(expect.arrayContaining(['web_search', 'read_file', 'knowledge.search', 'call_api']));
});

test('a profile counts what was decided; a deleted agent calls nothing, and its name is free', async () => {
  const agent = await create();
  await s.call('POST', `/agents/${agent.id}/permissions`, { tool_name: 'web_search' });
  for (const tool of ['web_search', 'web_search', 'send_email']) await act(agent.id, tool);
  const profile = (await s.call('GET', `/agents/${agent.id}/profile`)).body.data;
  expect(profile).toMatchObject({
    agent_id: agent.id, total_decisions: 3, allowed: 2, blocked: 1, block_rate: 0.3333, top_tools: [{ tool: 'web_search', count: 2 }, { tool: 'send_email', count: 1 }],
    last_active: expect.any(String), behavioral_drift: 0,
  }); // prettier-ignore
  expect(profile.risk_trend).toHaveLength(7);
  expect(profile.risk_trend[6]).toBeGreaterThan(0);
  const own = (await s.call('POST', '/api-keys', { name: 'own', agent_id: agent.id })).body.data.api_key as string;
  expect((await s.call('DELETE', `/agents/${agent.id}`)).body.data).toEqual({
    id: agent.id,
    deleted_at: expect.any(String),
  });
  expect((await act(agent.id, 'web_search')).status).toBe(403);
  expect((await s.as(own)('POST', '/execute', { tool: 'web_search' }, { 'x-agent-id': agent.id })).status).toBe(401);
  expect((await s.call('GET', `/agents/${agent.id}`)).status).toBe(404);
  expect((await s.call('POST', '/agents', body({ name: agent.name }))).status).toBe(201);
  const developer = await s.user('DEVELOPER');
  expect((await s.as(developer.token)('POST', '/agents', body())).status).toBe(403);
});

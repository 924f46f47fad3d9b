import { startServer, type Server } from '../harness';

let server: Server;
beforeAll(async () => void (server = await startServer({}, { worker: false })));
afterAll(() => server.close());

const profile = (id: string, more: Record<string, unknown> = {}) => ({ id, name: id, harness: 'embedded', ...more });
const get = async (token = server.token) => (await server.as(token)('GET', '/api/agents/config')).body;
const put = (body: unknown, token = server.token) => server.as(token)('PUT', '/api/agents/config', body);

test('the usual configuration stands until somebody sets one; models says the same', async () => {
  const usual = await get();
  expect(usual).toMatchObject({
    version: 0, updated_by: null, updated_at: null, active_profile: 'embedded', default_harness: 'embedded', default_model: null,
    default: null, route_assignments: [], available_harnesses: expect.arrayContaining([{ name: 'embedded' }]),
    setups: [{ id: 'embedded', name: 'Embedded analyst', harness: 'embedded', model: null }],
    reasoning_efforts: ['low', 'medium', 'high', 'extra-high'],
  }); // prettier-ignore
  expect((await server.call('GET', '/api/agents/models')).body).toEqual(usual);
});

test('what is set stands, the rest stays; what was read may be sent back whole; every version is in the log', async () => {
  const before = await get();
  const set = await put({
    profiles: [profile('embedded'), profile('careful', { timeout_minutes: 5 })],
    active_profile: 'careful',
  });
  expect(set.status).toBe(200);
  expect(set.body).toMatchObject({
    version: before.version + 1, updated_by: server.admin.email, active_profile: 'careful',
    max_concurrent_agents: before.max_concurrent_agents, profiles: [{ id: 'embedded' }, { id: 'careful', timeout_minutes: 5, fast_mode: false }],
  }); // prettier-ignore
  const again = await put(set.body);
  expect(again).toMatchObject({ status: 200, body: { version: before.version + 2, profiles: set.body.profiles } });
  const { rows } = await server.owner.query<{ version: number; profiles: number }>(
    `select version, json_array_length(body -> 'config' -> 'profiles') as profiles from log
     where kind = 'runtime.configured' and tenant_id = $1 order by seq desc limit 2`,
    [server.tenantId],
  );
  expect(rows).toEqual([
    { version: before.version + 2, profiles: 2 },
    { version: before.version + 1, profiles: 2 },
  ]);
});

describe('what is refused is named, and nothing is stored', () => {
  const key = `sk-ant-${'a1B2'.repeat(8)}`;
  const cases: [what: string, body: Record<string, unknown>, names: string][] = [
    ['a field that nobody knows', { api_key: 'x' }, 'api_key'],
    ['one inside a profile', { profiles: [profile('embedded', { token: 'x' })] }, 'token'],
    ['a secret in a note', { profiles: [profile('embedded', { notes: `use ${key}` })] }, 'profiles.0.notes'],
    ['a secret as a model', { models: ['small', key] }, 'models.1'],
    ['a password in an address', { default_model: 'https://user:hunter22@models.example/v1' }, 'default_model'],
    ['a harness that is not here', { default_harness: 'abacus' }, 'default_harness'],
    [
      'one of a profile',
      { active_profile: 'embedded', profiles: [profile('embedded', { harness: 'abacus' })] },
      'profiles.0.harness',
    ],
    ['a profile that is not there', { active_profile: 'fast' }, 'active_profile'],
    [
      'a route to nowhere',
      { route_assignments: [{ scope_type: 'ticket_class', scope_value: 'Incident', profile_id: 'fast' }] },
      'route_assignments.0.profile_id',
    ],
    [
      'a condition that is none',
      { route_assignments: [{ scope_type: 'condition', scope_value: 'urgent', profile_id: 'embedded' }] },
      'route_assignments.0.scope_value',
    ],
    ['a profile twice', { profiles: [profile('embedded'), profile('embedded')] }, 'profiles.1.id'],
    ['more at once than may be', { max_concurrent_agents: 0 }, 'max_concurrent_agents'],
    ['a profile that is in use', { profiles: [profile('other')] }, 'active_profile'],
  ];
  test.each(cases)('%s', async (_what, body, names) => {
    const before = await get();
    const refused = await put(body);
    expect(refused.status).toBe(400);
    expect(refused.text).toContain(names);
    expect(refused.text).not.toContain(key);
    expect(await get()).toEqual(before);
  });
});

test('of two who read the same version one is first; the other is told', async () => {
  const { version } = await get();
  const answers = await Promise.all([1, 2, 3].map((n) => put({ version, max_concurrent_agents: 40 + n })));
  expect(answers.map((a) => a.status).sort()).toEqual([200, 409, 409]);
  expect((await get()).version).toBe(version + 1);
});

test('a tenant has its own', async () => {
  const { token: other } = await server.tenant();
  expect((await put({ max_concurrent_agents: 7 }, other)).status).toBe(200);
  expect((await get(other)).max_concurrent_agents).toBe(7);
  expect((await get()).max_concurrent_agents).not.toBe(7);
});

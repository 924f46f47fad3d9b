import { randomUUID } from 'node:crypto';
import { startApi } from '../../api/main';
import { caller, startServer, until, type Server } from '../harness';

let s: Server;
beforeAll(async () => void (s = await startServer()));
afterAll(() => s.close());

let made = 0;
const body = (more: object = {}) => ({ name: `Processing Agent ${(made += 1)}`, type: 'data_processor', ...more });
const create = async (more: object = {}) => (await s.call('POST', '/v1/agents', body(more))).body.data;
const settled = (id: string, status: string) =>
  until(async () => {
    const { data } = (await s.call('GET', `/v1/agents/${id}`)).body;
    return data.status === status && data;
  }, `${id} to be ${status}`);
const logged = async (kind: string, name: string) =>
  (await s.owner.query(`select body from log where kind = $1 and body ->> 'name' = $2 order by seq`, [kind, name]))
    .rows;

test('an agent is registered, taken up by a worker, listed by status and type, and is the agent of the other doors', async () => {
  const given = body({ type: 'mover', environment: 'staging', configuration: { timeout: 60, region: 'eu' } });
  const a = await s.call('POST', '/v1/agents', given);
  expect([a.status, a.body.data]).toEqual([
    201,
    {
      id: expect.stringMatching(/^agent_\d+$/), name: given.name, type: 'mover', status: 'initializing', environment: 'staging',
      harness: 'remote', created_at: expect.any(String), updated_at: expect.any(String),
      configuration: { region: 'eu', timeout: 60, max_concurrent_tasks: 10, retry_attempts: 3 },
      health: { status: 'degraded', last_check: null, uptime: 0 },
      metrics: {
        tasks_completed: 0, tasks_failed: 0, success_rate: null, avg_response_time: null, memory_usage: null, cpu_usage: null,
      },
    },
  ]); // prettier-ignore
  const { id } = a.body.data;
  expect((await settled(id, 'active')).health.status).toBe('healthy');
  expect(await logged('agent.initialized', given.name)).toMatchObject([
    { body: { was: 'initializing', status: 'active' } },
  ]);
  const { body: list } = await s.call('GET', '/v1/agents?type=mover&status=active&limit=1');
  expect(list).toEqual({
    data: [expect.objectContaining({ id, type: 'mover' })],
    pagination: { page: 1, limit: 1, total: 1, pages: 1 },
  });
  expect((await s.call('GET', '/v1/agents?type=mover&status=error')).body).toEqual({
    data: [],
    pagination: { page: 1, limit: 20, total: 0, pages: 0 },
  });
  const elsewhere = (await s.call('GET', '/functions/v1/api/v1/agent-ops/registry')).body.data;
  expect(elsewhere).toContainEqual(expect.objectContaining({ name: given.name, status: 'active' }));
  // And the other way round: an agent of another door is listed here by its type there.
  await s.call('POST', '/functions/v1/api/v1/agent-ops/registry', { name: 'reporter', agent_type: 'cron_report' });
  expect((await s.call('GET', '/v1/agents?type=cron_report')).body.data).toMatchObject([
    { name: 'reporter', status: 'active' },
  ]);
});

test('a repeat with the key finds the agent; a name is taken once', async () => {
  const [key, given] = [{ 'idempotency-key': randomUUID() }, body()];
  const once = await s.call('POST', '/v1/agents', given, key);
  await s.owner.query('delete from idempotency_keys');
  const again = await s.call('POST', '/v1/agents', given, key);
  expect([again.status, again.body.data.id]).toEqual([201, once.body.data.id]);
  const other = await s.call('POST', '/v1/agents', given);
  expect([other.status, other.body.error.code]).toEqual([409, 'CONFLICT']);
  const { id } = await create();
  expect((await s.call('PUT', `/v1/agents/${id}`, { name: given.name })).status).toBe(409);
});

test('a change merges the configuration, and moves the status as far as it goes', async () => {
  const { id, name } = await create({ configuration: { max_concurrent_tasks: 5, region: 'eu' } });
  await settled(id, 'active');
  const put = async (change: object) => (await s.call('PUT', `/v1/agents/${id}`, change)).body;
  expect((await put({ configuration: { timeout: 600 } })).data.configuration).toEqual({
    max_concurrent_tasks: 5, timeout: 600, retry_attempts: 3, region: 'eu',
  }); // prettier-ignore
  expect((await put({ status: 'inactive' })).data).toMatchObject({ status: 'inactive', health: { uptime: 0 } });
  expect((await put({ name: `${name}, renamed` })).data).toMatchObject({
    status: 'inactive',
    name: `${name}, renamed`,
  });
  expect((await put({ status: 'active' })).data.status).toBe('active');
  await s.owner.query(`update agents set status = 'ERROR' where name = $1`, [`${name}, renamed`]);
  expect((await put({ status: 'inactive' })).error).toMatchObject({ code: 'CONFLICT' });
  expect((await put({ status: 'active' })).data.status).toBe('active');
  const moves = (await logged('agent.updated', `${name}, renamed`)).map(({ body: b }) => [b.was, b.status]);
  expect(moves.at(-1)).toEqual(['error', 'active']);
});

test('one that nobody here can be is in error; a harness that is not known is refused', async () => {
  const { id } = await create({ harness: 'model' });
  expect((await settled(id, 'error')).health.status).toBe('unhealthy');
  const a = await s.call('POST', '/v1/agents', body({ harness: 'nothing' }));
  expect([a.status, a.text]).toEqual([400, expect.stringContaining('harness')]);
});

test('what does not fit is 400 in the form of this door, and names its part', async () => {
  const cases: [query: string, wrong: object | undefined, field: string][] = [
    ['?limit=101', undefined, 'limit'],
    ['?page=0', undefined, 'page'],
    ['?status=gone', undefined, 'status'],
    ['', { type: 'mover' }, 'name'],
    ['', body({ configuration: { timeout: 0 } }), 'configuration.timeout'],
    ['', body({ configuration: { max_concurrent_tasks: 'many' } }), 'configuration.max_concurrent_tasks'],
    ['', body({ environment: 'moon' }), 'environment'],
  ];
  for (const [query, wrong, field] of cases) {
    const a = await s.call(wrong ? 'POST' : 'GET', `/v1/agents${query}`, wrong);
    expect([field, a.status, a.body.error]).toEqual([
      field,
      400,
      {
        code: 'VALIDATION_ERROR', message: expect.stringContaining(field), details: [{ field: expect.stringContaining(field), message: expect.any(String) }],
        request_id: a.headers.get('x-request-id'), timestamp: expect.any(String),
      },
    ]); // prettier-ignore
  }
});

test('a deleted agent is gone for every door, and its name is free', async () => {
  const { id, name } = await create();
  const gone = await s.call('DELETE', `/v1/agents/${id}`);
  expect([gone.status, gone.body]).toEqual([
    200,
    { message: 'Agent deleted successfully', deleted_at: expect.any(String) },
  ]);
  expect((await s.call('GET', `/v1/agents/${id}`)).body.error.code).toBe('NOT_FOUND');
  expect((await s.call('DELETE', `/v1/agents/${id}`)).status).toBe(404);
  expect((await s.call('POST', '/v1/agents', { name, type: 'mover' })).status).toBe(201);
});

test('two limits for each credential, counted for all processes, with the figures in the headers; a stranger is counted by address', async () => {
  const limited = await startApi({ ...s.config, port: 0, orchestrationLimits: { perHour: 6, perMinute: 4 } });
  const other = await startApi({ ...s.config, port: 0, orchestrationLimits: { perHour: 6, perMinute: 4 } });
  try {
    const token = (await s.user('DEVELOPER')).token;
    const forged = { 'x-forwarded-for': '203.0.113.9', forwarded: 'for=203.0.113.9', 'x-real-ip': '203.0.113.9' };
    const ask = (i: number, as = token) =>
      caller([limited, other][i % 2]!.url, as)('GET', i % 3 ? '/v1/agents' : '/V1/Agents/', undefined, forged);
    const answers = await Promise.all([0, 1, 2, 3, 4, 5].map((i) => ask(i)));
    expect(answers.map((a) => a.status).sort()).toEqual([200, 200, 200, 200, 429, 429]);
    const said = answers.map((a) => Number(a.headers.get('x-ratelimit-remaining')));
    expect(said.sort()).toEqual([2, 2, 2, 3, 4, 5]);
    const refused = answers.find((a) => a.status === 429);
    expect([refused?.headers.get('x-ratelimit-limit'), refused?.body.error.code]).toEqual(['6', 'RATE_LIMITED']);
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(Number(refused?.headers.get('retry-after'))).toBeLessThanOrEqual(60);
    const reset = Number(answers[0]?.headers.get('x-ratelimit-reset'));
    expect(reset * 1000).toBeGreaterThan(Date.now());
    // The minute is over, the hour is not: two are left of it.
    await s.owner.query(`update rate_limits set expire = 0 where key like 'door-short:%'`);
    expect((await Promise.all([6, 7, 8].map((i) => ask(i)))).map((a) => a.status).sort()).toEqual([200, 200, 429]);
    const { token: neighbour } = await s.user('DEVELOPER');
    expect((await ask(0, neighbour)).status).toBe(200);
    const strangers = [];
    for (const path of ['/v1/agents', '/v1/nothing', '/v1/agents', '/v1/nothing', '/v1/agents'])
      strangers.push(await caller(limited.url, '')('GET', path, undefined, { 'x-forwarded-for': randomUUID() }));
    expect(strangers.map((a) => a.status)).toEqual([401, 404, 401, 404, 429]);
    expect(strangers[0]?.headers.get('x-ratelimit-remaining')).toBe('5');
    // Refused before its body is read: it never comes to an end.
    const body = new ReadableStream({ start: (c) => c.enqueue(new TextEncoder().encode('{"name":')) });
    const open = await fetch(`${limited.url}/v1/agents`, {
      method: 'POST', body, duplex: 'half', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    }); // prettier-ignore
    expect(open.status).toBe(429);
  } finally {
    await limited.close();
    await other.close();
  }
});

import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../config';
import { childEnvironment } from '../../config';
import { startServer, until, type Answer, type Server } from '../harness';
import { settles } from '../until';

// Tasks of the orchestration door, and workers elsewhere that carry them out.

let s: Server;
let w: Server['call'];
beforeAll(async () => {
  s = await startServer();
  const made = await s.call('POST', '/api-keys', { name: 'worker', role: 'agent-operator', scopes: ['agents:claim'] });
  w = s.as(made.body.data.api_key as string);
});
afterAll(() => s.close());

/** An agent whose tasks workers elsewhere take. */
async function agent(configuration: object = {}, type = 'mover'): Promise<{ id: string }> {
  const name = `agent-${randomUUID()}`;
  const made = await s.call('POST', '/v1/agents', { name, type, configuration });
  expect(made.status).toBe(201);
  const { id } = made.body.data;
  await until(
    async () => (await s.call('GET', `/v1/agents/${id}`)).body.data.status === 'active',
    `${id} to be active`,
  );
  return { id: id as string };
}
const create = async (agent_id: string, more: object = {}): Promise<any> => {
  const made = await s.call('POST', '/v1/tasks', { agent_id, type: 'data_processing', ...more });
  expect(made.status).toBe(201);
  return made.body.data;
};
const task = async (id: string): Promise<any> => (await s.call('GET', `/v1/tasks/${id}`)).body.data;
const taskIs = (id: string, status: string): Promise<any> =>
  until(async () => {
    const seen = await task(id);
    return seen.status === status && seen;
  }, `${id} to be ${status}`);
const claim = async (by: Server['call'], body: object): Promise<any> => {
  const got = await by('POST', '/v1/tasks/claim', { wait: 20, ...body });
  expect(got.status).toBe(200);
  return got.body.data.task;
};
const say = (by: Server['call'], of: { id: string; fence: number }, what: string, body: object = {}): Promise<Answer> =>
  by('POST', `/v1/tasks/${of.id}/${what}`, { fence: of.fence, ...body });

test('a task waits for a worker, moves as it says, and has its result', async () => {
  const a = await agent();
  const payload = { source: 'database', nested: { rows: 3 } };
  const made = await create(a.id, { payload, priority: 'high' });
  expect(made).toMatchObject({
    id: expect.stringMatching(/^task_\d+$/), agent_id: a.id, type: 'data_processing', status: expect.stringMatching(/pending|running/),
    priority: 'high', created_at: expect.stringMatching(/Z$/), result: null, attempt: 1,
  }); // prettier-ignore
  const mine = await claim(w, { agent_id: a.id, type: 'data_processing', worker: 'box-1' });
  expect(mine).toMatchObject({ id: made.id, agent_id: a.id, payload, priority: 'high', fence: 1, attempt: 1, stop: null, messages: [] }); // prettier-ignore
  expect(mine.prompt).toContain('source: database');
  const beat = await say(w, mine, 'heartbeat', { progress: 65, message: 'Processing batch 1 of 10' });
  expect(beat).toMatchObject({ status: 200, body: { data: { id: made.id, stop: null } } });
  expect(Date.parse(beat.body.data.lease_until)).toBeGreaterThanOrEqual(Date.parse(mine.lease_until));
  expect(await task(made.id)).toMatchObject({
    status: 'running', progress: 65, payload, started_at: expect.any(String), completed_at: null,
    estimated_completion: expect.any(String),
    logs: expect.arrayContaining([{ timestamp: expect.any(String), level: 'info', message: 'Processing batch 1 of 10' }]),
  }); // prettier-ignore
  const result = { records_processed: 1000, success: true };
  expect((await say(w, mine, 'complete', { status: 'completed', result })).status).toBe(200);
  expect((await say(w, mine, 'complete', { status: 'completed', result })).status).toBe(200);
  expect(await taskIs(made.id, 'completed')).toMatchObject({
    progress: 100, result, error: null, completed_at: expect.any(String), duration: expect.any(Number), estimated_completion: null,
  }); // prettier-ignore
  expect((await say(w, mine, 'complete', { status: 'failed', error: 'no' })).status).toBe(409);
  expect((await say(w, mine, 'heartbeat', { progress: 3 })).status).toBe(409);
});

test('no more of an agent than it may have at once, however many ask; then by priority, then age', async () => {
  const a = await agent({ max_concurrent_tasks: 1 });
  const order = ['low', 'medium', 'critical'];
  const made: any[] = [];
  const first = await create(a.id, { priority: 'low' });
  await taskIs(first.id, 'running');
  for (const priority of order) made.push(await create(a.id, { priority }));
  const done: string[] = [];
  for (let n = 0; n <= order.length; n += 1) {
    const mine = await claim(w, { agent_id: a.id });
    const { body } = await s.call('GET', `/v1/tasks?agent_id=${a.id}&status=running`);
    expect(body.data.map((t: { id: string }) => t.id)).toEqual([mine.id]);
    done.push(mine.id as string);
    await say(w, mine, 'complete', { status: 'completed' });
  }
  expect(done).toEqual([first.id, made[2].id, made[1].id, made[0].id]);
  expect((await claim(w, { agent_id: a.id, wait: 0 })) ?? null).toBeNull();

  const wide = await agent({ max_concurrent_tasks: 2 });
  await Promise.all(Array.from({ length: 4 }, () => create(wide.id)));
  const [one, two] = [await claim(w, { agent_id: wide.id }), await claim(w, { agent_id: wide.id })];
  const count = async (status: string): Promise<number> =>
    (await s.call('GET', `/v1/tasks?agent_id=${wide.id}&status=${status}`)).body.pagination.total as number;
  expect([await count('running'), await count('pending')]).toEqual([2, 2]);
  // More may begin as soon as its configuration says so.
  const raised = await s.call('PUT', `/v1/agents/${wide.id}`, { configuration: { max_concurrent_tasks: 9 } }); // prettier-ignore
  expect(raised.status).toBe(200);
  await settles(async () => expect(await count('running')).toBe(4));
  for (const mine of [one, two]) await say(w, mine, 'complete', { status: 'completed' });
});

test('what fails is tried again as often as its agent says, under a higher fence; then it has failed', async () => {
  const a = await agent({ retry_attempts: 1 });
  const made = await create(a.id);
  const first = await claim(w, { agent_id: a.id });
  expect((await say(w, first, 'complete', { status: 'failed', error: 'no route to host' })).status).toBe(200);
  const second = await claim(w, { agent_id: a.id });
  expect(second).toMatchObject({ id: made.id, attempt: 2, fence: 2 });
  // Whoever held the first attempt holds nothing of the second; what it said of the first stands.
  expect(await say(w, first, 'heartbeat', { progress: 50 })).toMatchObject({ status: 409 });
  expect((await say(w, first, 'complete', { status: 'failed', error: 'no route to host' })).status).toBe(200);
  expect(await task(made.id)).toMatchObject({ status: 'running', attempt: 2, retry_attempts: 1, created_at: made.created_at }); // prettier-ignore
  const listed = (await s.call('GET', `/v1/tasks?agent_id=${a.id}`)).body;
  expect(listed).toMatchObject({ data: [{ id: made.id, attempt: 2 }], pagination: { page: 1, limit: 20, total: 1, pages: 1 } }); // prettier-ignore
  await say(w, second, 'complete', { status: 'failed', error: 'still no route' });
  expect(await taskIs(made.id, 'failed')).toMatchObject({ error: 'still no route', result: null, attempt: 2 });
});

test('a lease that runs out is another’s, and the stale fence is 409; so is the time of an agent that is over', async () => {
  const a = await agent({ retry_attempts: 0, timeout: 2 });
  const made = await create(a.id);
  const first = await claim(w, { agent_id: a.id, lease_seconds: 1 });
  const second = await claim(w, { agent_id: a.id, worker: 'box-2' });
  expect([first.fence, second.fence, second.id]).toEqual([1, 2, made.id]);
  for (const what of ['heartbeat', 'complete'])
    expect(await say(w, first, what, { status: 'completed' })).toMatchObject({
      status: 409,
      body: { error: { code: 'CONFLICT', message: expect.stringContaining('claimed again by box-2') } },
    });
  expect(await taskIs(made.id, 'failed')).toMatchObject({
    error: 'it worked for longer than the 2 seconds that its agent allows',
  });
});

test('a task for later waits for its time; a repeat with its key makes no other', async () => {
  const a = await agent();
  const run_at = new Date(Date.now() + 3_600_000).toISOString();
  const key = { 'idempotency-key': randomUUID() };
  const asked = { agent_id: a.id, type: 'later', schedule: { type: 'scheduled', run_at } };
  const made = await s.call('POST', '/v1/tasks', asked, key);
  await s.owner.query('delete from idempotency_keys');
  const again = await s.call('POST', '/v1/tasks', asked, key);
  expect([made.status, again.status, again.body.data.id]).toEqual([201, 201, made.body.data.id]);
  expect(made.body.data).toMatchObject({ status: 'pending', run_at });
  const soon = await create(a.id, { type: 'soon', schedule: { type: 'scheduled', run_at: new Date().toISOString() } });
  expect(await claim(w, { agent_id: a.id })).toMatchObject({ id: soon.id });
  expect(await task(made.body.data.id as string)).toMatchObject({ status: 'pending' });
});

test('filters, and pages', async () => {
  const a = await agent();
  const made = [];
  for (const priority of ['low', 'high', 'low']) made.push((await create(a.id, { priority })).id as string);
  const ids = async (query: string) =>
    (await s.call('GET', `/v1/tasks?agent_id=${a.id}${query}`)).body.data.map((t: { id: string }) => t.id) as string[];
  expect(await ids('')).toEqual([...made].reverse());
  expect(await ids('&priority=low')).toEqual([made[2], made[0]]);
  expect(await ids('&limit=2&page=2')).toEqual([made[0]]);
  const middle = (await task(made[1] ?? '')).created_at as string;
  expect(await ids(`&created_after=${middle}`)).toEqual([made[2]]);
  expect(await ids(`&created_before=${middle}`)).toEqual([made[0]]);
  for (const wrong of ['limit=101', 'status=done', 'agent_id=7', 'created_after=yesterday']) {
    const refused = await s.call('GET', `/v1/tasks?${wrong}`);
    expect(refused).toMatchObject({
      status: 400,
      body: {
        error: { code: 'VALIDATION_ERROR', details: [{ field: expect.stringContaining(wrong.split('=')[0] ?? '') }] },
      },
    });
  }
});

test('runs of other doors are tasks as well; those of other tenants are not there', async () => {
  const ticket = (await s.call('POST', '/api/tickets', { title: 'Mail is down', priority: 'P1', auto_assign: false })).body.id as number; // prettier-ignore
  const run = (await s.call('POST', `/api/tickets/${ticket}/assign-agent`, { harness: 'remote' })).body;
  expect(await task(`task_${run.task_id}`)).toMatchObject({
    priority: 'critical',
    type: 'ticket_resolution',
    payload: null,
  });
  const other = s.as((await s.tenant()).token);
  expect((await other('GET', `/v1/tasks/task_${run.task_id}`)).status).toBe(404);
  expect((await other('GET', '/v1/tasks')).body.pagination.total).toBe(0);
  const a = await agent();
  expect((await other('POST', '/v1/tasks', { agent_id: a.id, type: 'x' })).status).toBe(404);
  const stopped = await s.call('PUT', `/v1/agents/${a.id}`, { status: 'inactive' });
  expect(stopped.status).toBe(200);
  expect((await s.call('POST', '/v1/tasks', { agent_id: a.id, type: 'x' })).status).toBe(409);
});

test('a workflow goes step by step, those of one order together, each a task of an agent of its type', async () => {
  const [extractor, mover] = [`extract-${randomUUID()}`, `move-${randomUUID()}`];
  for (const type of [extractor, mover]) await agent({ retry_attempts: 1 }, type);
  const steps = [
    { name: 'Extract', agent_type: extractor, order: 1 },
    { name: 'Left', agent_type: mover, order: 2, payload: { side: 'left' } },
    { name: 'Right', agent_type: mover, order: 2, payload: { side: 'right' } },
  ];
  const made = await s.call('POST', '/v1/workflows', { name: 'Data Pipeline', description: 'All of it', steps });
  expect(made).toMatchObject({ status: 201, body: { data: { status: 'active', steps: [{ id: 'step_1', ...steps[0] }, { id: 'step_2' }, { id: 'step_3' }] } } }); // prettier-ignore
  const { id } = made.body.data;
  expect((await s.call('GET', `/v1/workflows/${id}`)).body.data).toEqual(made.body.data);
  expect((await s.call('GET', '/v1/workflows?limit=1')).body).toMatchObject({ data: [{ id }], pagination: { limit: 1 } }); // prettier-ignore
  const other = s.as((await s.tenant()).token);
  for (const path of [`/v1/workflows/${id}`, `/v1/workflows/${id}/executions/execution_1`]) expect((await other('GET', path)).status).toBe(404); // prettier-ignore

  const begun = await s.call('POST', `/v1/workflows/${id}/execute`, { parameters: { source: 'production' }, priority: 'high' }); // prettier-ignore
  expect(begun).toMatchObject({ status: 202, body: { data: { workflow_id: id, status: expect.stringMatching(/pending|running/), priority: 'high' } } }); // prettier-ignore
  const execution = begun.body.data.execution_id as string;
  const seen = async (): Promise<any> => (await s.call('GET', `/v1/workflows/${id}/executions/${execution}`)).body.data;
  const first = await claim(w, { agent_type: extractor });
  expect(first).toMatchObject({ type: extractor, priority: 'high', payload: { source: 'production' } });
  expect((await claim(w, { agent_type: mover, wait: 0 })) ?? null).toBeNull();
  await say(w, first, 'complete', { status: 'completed', result: { rows: 3 } });
  const both = [await claim(w, { agent_type: mover }), await claim(w, { agent_type: mover })];
  expect(both.map((t) => t.payload)).toEqual(
    expect.arrayContaining(['left', 'right'].map((side) => ({ source: 'production', side, previous: { Extract: { rows: 3 } } }))), // prettier-ignore
  );
  const [left, right] = both;
  await say(w, left, 'complete', { status: 'failed', error: 'no route' });
  await say(w, right, 'complete', { status: 'completed', result: { moved: 3 } });
  const again = await claim(w, { agent_type: mover });
  expect(again).toMatchObject({ id: left.id, attempt: 2, fence: 2, payload: left.payload });
  expect((await seen()).status).toBe('running');
  await say(w, again, 'complete', { status: 'completed', result: { moved: 4 } });
  const done = await until(async () => { const e = await seen(); return e.status === 'completed' && e; }, 'the execution to be completed'); // prettier-ignore
  expect(done).toMatchObject({ parameters: { source: 'production' }, error: null, completed_at: expect.any(String) });
  expect(done.task_ids).toHaveLength(3);
  expect(done.steps.map((x: any) => [x.name, x.status, x.result])).toEqual([
    ['Extract', 'completed', { rows: 3 }],
    ...(left.payload.side === 'left' ? [['Left', 'completed', { moved: 4 }], ['Right', 'completed', { moved: 3 }]] : [['Left', 'completed', { moved: 3 }], ['Right', 'completed', { moved: 4 }]]),
  ]); // prettier-ignore

  const nobody = await s.call('POST', '/v1/workflows', { name: 'Nobody', steps: [{ name: 'One', agent_type: `none-${randomUUID()}`, order: 1 }] }); // prettier-ignore
  const failed = await s.call('POST', `/v1/workflows/${nobody.body.data.id}/execute`, {});
  await settles(async () => {
    const { body } = await s.call(
      'GET',
      `/v1/workflows/${nobody.body.data.id}/executions/${failed.body.data.execution_id}`,
    );
    expect(body.data).toMatchObject({ status: 'failed', steps: [{ status: 'failed', error: expect.stringContaining('no active agent of type') }] }); // prettier-ignore
  });
});

const hasPython = spawnSync('python3', ['--version']).status === 0;
(hasPython ? test : test.skip)(
  'the worker of the page works: it takes what there is, says how far it is, and what came of it',
  async () => {
    const page = readFileSync(join(root, 'docs/orchestration.md'), 'utf8');
    const example = /```python\n([\s\S]+?)```/.exec(page)?.[1] ?? '';
    expect(example).toContain('/v1/tasks/claim');
    const a = await agent();
    const type = `type-${randomUUID()}`;
    const made = await create(a.id, { type, payload: { one: 1, two: 2 } });
    const mine = example.replaceAll('data_processing', type).replace('"wait": 30', '"wait": 5');
    const env = childEnvironment({ URL: s.url, KEY: s.token });
    const worker = spawn('python3', ['-c', mine], { env, stdio: ['ignore', 'ignore', 'inherit'] });
    const ended = once(worker, 'exit');
    expect(await taskIs(made.id as string, 'completed')).toMatchObject({
      result: { records_processed: 2 },
      logs: expect.arrayContaining([expect.objectContaining({ message: 'halfway' })]),
    });
    expect((await ended)[0]).toBe(0); // there was nothing more
  },
);

test('how tasks ended is told by steps, as a recount of the runs has it', async () => {
  const a = await agent({ retry_attempts: 0 });
  for (const end of ['completed', 'failed']) {
    const { id } = await create(a.id);
    const mine = await claim(w, { agent_id: a.id });
    const said = end === 'failed' ? { error: 'the disk is full' } : { result: {} };
    expect((await say(w, mine, 'complete', { status: end, ...said })).status).toBe(200);
    await taskIs(id, end);
  }
  await s.owner.query(
    `update runs set started_at = started_at - interval '3 days', finished_at = finished_at - interval '3 days'
     where id = (select id from runs where outcome = 'failed' order by finished_at desc limit 1)`,
  );
  const percent = (part: number, whole: number) => Math.round((part / whole) * 1000) / 10;
  const hour = 3_600_000;
  for (const [period, step, span] of [['1h', hour / 12, hour], ['24h', hour, 24 * hour], ['7d', 6 * hour, 168 * hour], ['30d', 24 * hour, 720 * hour]] as const)
    await settles(async () => {
      const { rows } = await s.owner.query<{ outcome: string; at: Date; ms: number | null }>(
        `select outcome, finished_at as at, milliseconds(started_at, finished_at)::float8 as ms from runs where outcome <> 'started' and tenant_id = $1`,
        [s.tenantId],
      );
      const began = (at: number): number => Math.floor(at / step) * step; // days and hours begin alike in both calendars
      const recent = rows.filter((r) => began(r.at.getTime()) > began(Date.now()) - span);
      const steps = [...new Set(recent.map((r) => began(r.at.getTime())))].sort((x, y) => x - y);
      const of = (at: number) => recent.filter((r) => began(r.at.getTime()) === at);
      const rate = (outcome: string) =>
        steps.map((at) => ({ timestamp: new Date(at).toISOString(), value: percent(of(at).filter((r) => r.outcome === outcome).length, of(at).length) }));
      const { data } = (await s.call('GET', `/v1/metrics?period=${period}`)).body;
      expect(data).toMatchObject({ period, metrics: { task_completion_rate: rate('completed'), error_rate: rate('failed') } });
      const worked = steps.flatMap((at) => {
        const ms = of(at).filter((r) => r.outcome !== 'skipped' && r.ms !== null).map((r) => r.ms as number);
        return ms.length ? [{ timestamp: new Date(at).toISOString(), value: Math.round(ms.reduce((x, y) => x + y) / ms.length) }] : [];
      });
      expect(data.metrics.response_time).toEqual(worked);
      expect(steps.length).toBeGreaterThan(period === '1h' || period === '24h' ? 0 : 1);
    });
  const one = (await s.call('GET', '/v1/metrics?metric=error_rate')).body.data;
  expect([one.period, Object.keys(one.metrics)]).toEqual(['24h', ['error_rate']]);
  for (const [query, field] of [['period=2h', 'period'], ['metric=speed', 'metric']]) {
    const refused = await s.call('GET', `/v1/metrics?${query}`);
    expect([refused.status, refused.body.error.details[0].field]).toEqual([400, `query.${field}`]);
  }
}); // prettier-ignore

import { startServer, until, type Answer, type Server } from '../harness';

let s: Server;
beforeAll(async () => void (s = await startServer()));
afterAll(() => s.close());

const base = '/functions/v1/api/v1/agent-ops';
const report = (body: object): Promise<Answer> => s.call('POST', `${base}/runs`, body);
const update = (id: string, body: object): Promise<Answer> => s.call('PATCH', `${base}/runs/${id}`, body);
const list = (query = ''): Promise<Answer> => s.call('GET', `${base}/runs${query}`);
const register = (name: string) =>
  s.owner.query(
    `insert into agents (id, tenant_id, name, harness, runtime) values (gen_random_uuid(), $1, $2, 'external', 'external')`,
    [s.tenantId, name],
  );
const statistics = async (name: string) => {
  const { rows } = await s.owner.query<Record<string, unknown>>(
    'select last_run_at, last_success_at, last_failure_at, consecutive_failures from agents where name = $1 and tenant_id = $2',
    [name, s.tenantId],
  );
  return rows[0];
};
const time = (hour: number) => `2026-01-01T${String(hour).padStart(2, '0')}:00:00.000Z`;

test('a run is reported, brought up to date by eve_id and by uuid, and a repeat changes nothing', async () => {
  const first = await report({ eve_id: 'eve-1', agent_name: 'reporter', task_type: 'digest', model: 'm-1' });
  expect([first.status, first.body.data]).toEqual([
    201,
    {
      id: expect.any(String), eve_id: 'eve-1', agent_name: 'reporter', task_type: 'digest', status: 'started', model: 'm-1',
      duration_ms: null, started_at: expect.any(String), completed_at: null, output_summary: null, error_message: null, origin: 'reported',
    },
  ]); // prettier-ignore
  const again = await report({ eve_id: 'eve-1', agent_name: 'reporter' });
  expect([again.status, again.body]).toEqual([200, first.body]);
  const done = await update('eve-1', { status: 'completed', duration_ms: 1500, output_summary: 'sent' });
  expect([done.status, done.body.data]).toMatchObject([
    200,
    { status: 'completed', duration_ms: 1500, output_summary: 'sent' },
  ]);
  for (const id of ['eve-1', done.body.data.id as string]) {
    const repeat = await update(id, { status: 'completed', duration_ms: 9000 });
    expect([repeat.status, repeat.body]).toEqual([200, done.body]);
  }
  const { rows } = await s.owner.query('select kind from log where subject_id = $1 order by seq', [done.body.data.id]);
  expect(rows.map((r) => r.kind as string)).toEqual(['reported_run.started', 'reported_run.completed']);
});

test('how a run ended is final: who says otherwise hears what stands, and that is written down once', async () => {
  await report({ eve_id: 'final', agent_name: 'reporter', status: 'failed', error_message: 'no' });
  for (const status of ['completed', 'skipped', 'completed']) {
    expect(await update('final', { status })).toMatchObject({ status: 200, body: { data: { status: 'failed' } } });
    expect(await report({ eve_id: 'final', agent_name: 'reporter', status })).toMatchObject({
      status: 200,
      body: { data: { status: 'failed', error_message: 'no' } },
    });
  }
  expect(await report({ eve_id: 'final', agent_name: 'reporter', model: 'm-2' })).toMatchObject({
    body: { data: { status: 'failed', model: 'm-2' } },
  });
  const { rows } = await s.owner.query(
    `select transition from log where kind = 'reported_run.contradicted' and tenant_id = $1 order by seq`,
    [s.tenantId],
  );
  expect(rows.map((r) => r.transition as string)).toEqual(['contradicted:completed', 'contradicted:skipped']);
});

test('wrong reports name what is wrong', async () => {
  const wrong: [object, string][] = [
    [{}, 'agent_name'],
    [{ agent_name: 'a', status: 'done' }, 'status'],
    [{ agent_name: 'a', duration_ms: -1 }, 'duration_ms'],
    [{ agent_name: 'a', status: 'completed', duration_ms: Number.MAX_SAFE_INTEGER }, 'duration_ms'],
    [{ agent_name: 'a', eve_id: '' }, 'eve_id'],
    [{ agent_name: 'a', started_at: 'yesterday' }, 'started_at'],
    [{ agent_name: 'a', status: 'completed', completed_at: '2999-01-01T00:00:00Z' }, 'completed_at'],
    [{ agent_name: 'a', completed_at: time(1) }, 'completed_at'],
    [{ agent_name: 'a', status: 'failed', started_at: time(2), completed_at: time(1) }, 'completed_at'],
  ];
  for (const [body, field] of wrong) {
    const a = await report(body);
    expect([a.status, a.body.error.code, a.body.error.message]).toEqual([
      400,
      'INVALID',
      expect.stringContaining(field),
    ]);
  }
  await report({ eve_id: 'of-one', agent_name: 'one' });
  expect(await report({ eve_id: 'of-one', agent_name: 'other' })).toMatchObject({
    status: 409,
    body: { error: { code: 'CONFLICT' } },
  });
  expect(await update('unheard-of', { status: 'completed' })).toMatchObject({
    status: 404,
    body: { error: { code: 'NOT_FOUND' } },
  });
  expect((await update('of-one', { status: 'started' })).status).toBe(400);
  const other = await s.tenant();
  expect((await s.as(other.token)('PATCH', `${base}/runs/of-one`, { status: 'completed' })).status).toBe(404);
  for (const query of [
    '?status=done',
    '?since=yesterday',
    '?limit=0',
    '?limit=101',
    '?cursor=x',
    '?cursor=WyJ4IiwieSJd',
  ])
    expect([query, (await list(query)).status]).toEqual([query, 400]);
});

test('reports before the registration count from it on, and afterwards each in its own time', async () => {
  const ended = (hour: number, status: string) =>
    report({ eve_id: `late-${hour}`, agent_name: 'late', status, completed_at: time(hour) });
  for (const [hour, status] of [[5, 'failed'], [3, 'completed'], [4, 'failed'], [1, 'failed'], [9, 'skipped']] as const)
    expect((await ended(hour, status)).status).toBe(201);
  expect(await statistics('late')).toBeUndefined();
  await register('late');
  const at = (hour: number) => new Date(time(hour));
  expect(await statistics('late')).toEqual({ last_run_at: at(5), last_success_at: at(3), last_failure_at: at(5), consecutive_failures: 2 });
  await ended(2, 'failed'); // before the last success: nothing
  await ended(7, 'failed');
  expect(await statistics('late')).toEqual({ last_run_at: at(7), last_success_at: at(3), last_failure_at: at(7), consecutive_failures: 3 });
  await ended(6, 'completed'); // arrives late: the failure of seven came after it
  expect(await statistics('late')).toEqual({ last_run_at: at(7), last_success_at: at(6), last_failure_at: at(7), consecutive_failures: 1 });
}); // prettier-ignore

test('both doors, one list: a page goes on where the last one ended, whatever comes in between', async () => {
  for (let i = 0; i < 7; i += 1) await report({ eve_id: `page-${i}`, agent_name: 'pager', status: i % 2 ? 'failed' : 'completed' });
  const short = await s.call('GET', '/api/v1/agent-ops/runs?agent_name=pager&limit=3');
  expect(short.body).toMatchObject({ pagination: { has_more: true } });
  const seen = short.body.data.map((r: { eve_id: string }) => r.eve_id);
  await report({ eve_id: 'page-new', agent_name: 'pager' });
  for (let cursor = short.body.pagination.next_cursor as string | null; cursor !== null; ) {
    const page = await list(`?agent_name=pager&limit=3&cursor=${cursor}`);
    seen.push(...page.body.data.map((r: { eve_id: string }) => r.eve_id));
    cursor = page.body.pagination.next_cursor;
  }
  expect(seen).toEqual([6, 5, 4, 3, 2, 1, 0].map((i) => `page-${i}`));
  expect((await list('?agent_name=pager&status=failed')).body.data).toHaveLength(3);
  expect((await list('?agent_name=pager&since=2999-01-01')).body).toEqual({ data: [], pagination: { has_more: false, next_cursor: null } });
  expect((await list('?agent_name=nobody')).body.data).toEqual([]);
}); // prettier-ignore

test("our own runs are in the list, in the list's words, and move their agent's statistics", async () => {
  const ticket = await s.call('POST', '/api/tickets', { title: 'Look into gitlab', auto_assign: false });
  const { agent_id: number } = (await s.call('POST', `/api/tickets/${ticket.body.id}/assign-agent`, {})).body;
  await s.call('POST', `/api/agents/${number}/stop`, {});
  const other = await s.call('POST', '/api/tickets', { title: 'Nothing to see', auto_assign: false });
  await s.call('POST', `/api/tickets/${other.body.id}/assign-agent`, { harness: null });
  const own = await until(async () => {
    const { data } = (await list('?agent_name=analyst')).body;
    return data.length === 2 && data[1].status === 'skipped' && data;
  }, 'the stopped run');
  expect(own[1]).toMatchObject({ eve_id: null, agent_name: 'analyst', origin: 'workflow', task_type: 'ticket_resolution' });
  expect((await list()).body.data.map((r: { id: string }) => r.id)).toEqual(expect.arrayContaining([own[0].id]));
  expect(await update(own[0].id, { status: 'completed' })).toMatchObject({ status: 409 });
  expect(await statistics('analyst')).toMatchObject({ consecutive_failures: 0, last_run_at: null });
  const { rows } = await s.owner.query<{ at: Date }>(
    `update runs set status = 'failed', finished_at = now() where id = $1 returning finished_at as at`, [own[0].id]);
  expect(await statistics('analyst')).toMatchObject({ consecutive_failures: 1, last_run_at: rows[0]?.at, last_success_at: null });
}); // prettier-ignore

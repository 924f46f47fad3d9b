import { secret, type toolWorld, type World } from './world';

/** What is known of a tool server by looking at it. */
export function looks(world: ReturnType<typeof toolWorld>): void {
  let s: World['s'];
  let stub: World['stub'];
  let desk: World['desk'];
  beforeAll(() => void ({ s, stub, desk } = world));
  const { check, detail } = world;

  test('a server is listed with the parts of the installation, and its tools are there once it was looked at', async () => {
    expect(await check()).toEqual({
      tool_id: desk,
      name: 'desk',
      status: 'healthy',
      response_time_ms: expect.any(Number),
      error: null,
    });
    const { tools, total, setup_modules } = (await s.call('GET', '/api/tools')).body;
    expect(total).toBe(tools.length);
    expect(tools.map((t: any) => [t.name, t.type])).toEqual([
    ['built-in', 'builtin'], ['postgres', 'integration'], ['temporal', 'integration'], ['desk', 'mcp'],
  ]); // prettier-ignore
    expect(tools[3]).toMatchObject({
      id: desk,
      host: '127.0.0.1',
      port: Number(new URL(stub.url).port),
      status: 'healthy',
      last_check_status: 'healthy',
    });
    expect(setup_modules.find((m: any) => m.module_id === 'tool-servers')).toMatchObject({
      deployment_status: 'ready',
      source: 'check',
    });
    expect((await detail()).tools.map((t: any) => [t.name, t.effect, t.problem])).toEqual([
      ['desk.lookup', 'external', null],
      ['desk.restart', 'external', null],
    ]);
  });

  test('all are looked at in one call, and what each came to is kept', async () => {
    const { results, count } = (await s.call('POST', '/api/tools/check-all')).body;
    expect(results.map((r: any) => [r.name, r.status])).toEqual([
    ['built-in', 'healthy'], ['postgres', 'healthy'], ['temporal', 'healthy'], ['desk', 'healthy'],
  ]); // prettier-ignore
    expect(count).toBe(4);
    const history = (await s.call('GET', `/api/tools/${desk}/history?hours=1`)).body;
    expect(history).toMatchObject({ tool_id: desk, count: history.checks.length });
    expect(history.checks[0]).toEqual({
      timestamp: expect.any(String),
      status: 'healthy',
      response_time_ms: expect.any(Number),
      error: null,
    });
    expect((await s.call('GET', '/api/tools/status')).body).toMatchObject({ healthy: 4, down: 0, unknown: 0 });
    const key = { 'Idempotency-Key': 'look-once' };
    const first = await s.call('POST', `/api/tools/${desk}/check`, undefined, key);
    const before = (await s.call('GET', `/api/tools/${desk}/history`)).body.count;
    expect((await s.call('POST', `/api/tools/${desk}/check`, undefined, key)).body).toEqual(first.body);
    expect((await s.call('GET', `/api/tools/${desk}/history`)).body.count).toBe(before);
  });

  test('what is wrong with it is found out, told once when it changes, and is over when it is over', async () => {
    stub.does({ list: 'hang' });
    expect(await check()).toMatchObject({
      status: 'down',
      error: expect.stringContaining('no answer within 8000 ms'),
      response_time_ms: null,
    });
    expect(await check()).toMatchObject({ status: 'down' });
    stub.does({ tools: 'ill-formed' });
    expect(await check()).toMatchObject({
      status: 'degraded',
      error: expect.stringContaining('3 of 5 tools cannot be called'),
    });
    expect((await s.call('GET', '/api/setup/status')).body.module_statuses['tool-servers'].deployment_status).toBe(
      'degraded',
    );
    stub.does({});
    expect(await check()).toMatchObject({ status: 'healthy' });
    const { rows } = await s.owner.query(
      `select body ->> 'before' as before, body ->> 'status' as now from log where kind = 'tool.status_changed' order by seq`,
    );
    expect(rows.map((r) => [r.before, r.now])).toEqual([['healthy', 'down'], ['down', 'degraded'], ['degraded', 'healthy']]); // prettier-ignore
    await s.owner.query(`update tools set last_check = now() - interval '1 hour' where number = $1`, [desk]);
    expect(await detail()).toMatchObject({ status: 'unknown', last_check_status: 'healthy' });
    await check();
  });

  test('what a tool server is shown is shown to nobody else', async () => {
    const seen = stub.seen().findLast((a) => a.method === 'POST');
    expect(seen?.authorization).toBe(secret);
    const { text, body } = await s.call('GET', `/api/tools/${desk}`);
    expect(text).not.toContain('of-the-desk');
    expect(body.server).toEqual({
      transport: 'http',
      command: null,
      url: stub.url,
      has_secrets: true,
      timeout_ms: 30_000,
      trust_annotations: false,
      leases: [],
    });
    const { rows } = await s.owner.query(
      `select count(*)::int as n from log where body::text like '%of-the-desk%' union all
     select count(*)::int from tools where to_jsonb(tools)::text like '%of-the-desk%'`,
    );
    expect(rows.map((r) => r.n)).toEqual([0, 0]);
  });
}

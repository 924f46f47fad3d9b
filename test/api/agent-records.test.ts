import { startServer, until, type Answer, type Server } from '../harness';

let s: Server;
beforeAll(async () => void (s = await startServer({ SWEEP_SECONDS: '1', RETENTION_TOOL_LOG_DAYS: '7' })));
afterAll(() => s.close());

const base = '/functions/v1/api/v1/agent-ops';
const record = (path: string, body: unknown, headers = {}): Promise<Answer> =>
  s.call('POST', base + path, body, headers);
const list = (path: string, query = ''): Promise<Answer> => s.call('GET', base + path + query);

const anHourAgo = new Date(Date.now() - 3_600_000).toISOString();

/** Each kind: a row of it, what it is listed by, and what is wrong with a row. */
const kinds = [
  {
    path: '/metrics', table: 'agent_metrics', time: 'recorded_at', days: 30,
    row: { agent_name: 'a', metric: 'latency_ms', value: 12.5, recorded_at: anHourAgo },
    shown: { id: expect.any(String), agent_name: 'a', metric: 'latency_ms', value: 12.5, recorded_at: anHourAgo },
    filters: { agent_name: 'a', metric: 'latency_ms' },
    wrong: [[{ value: 'high' }, 'value'], [{ metric: '' }, 'metric'], [{ recorded_at: '2999-01-01T00:00:00Z' }, 'recorded_at'], [{ agent_name: 7 }, 'agent_name']],
  },
  {
    path: '/tool-log', table: 'tool_calls', time: 'created_at', days: 7,
    row: { agent_name: 'a', tool: 'search', run_id: 'eve-7', status: 'failed', input: { q: ['x'] }, output: 'none', duration_ms: 42 },
    shown: { id: expect.any(String), agent_name: 'a', tool: 'search', run_id: 'eve-7', status: 'failed', input: { q: ['x'] }, output: 'none', duration_ms: 42, created_at: expect.any(String) },
    filters: { agent_name: 'a', tool: 'search', run_id: 'eve-7' },
    wrong: [[{ tool: null }, 'tool'], [{ duration_ms: -1 }, 'duration_ms'], [{ input: 'x'.repeat(20_001) }, 'input']],
  },
  {
    path: '/report-runs', table: 'report_runs', time: 'created_at', days: 365,
    row: { agent_name: 'a', report_type: 'weekly', status: 'delivered', period: '2026-W01', summary: 'all well' },
    shown: { id: expect.any(String), agent_name: 'a', report_type: 'weekly', status: 'delivered', period: '2026-W01', summary: 'all well', created_at: expect.any(String) },
    filters: { agent_name: 'a', report_type: 'weekly' },
    wrong: [[{ report_type: undefined }, 'report_type'], [{ period: 5 }, 'period'], [{ status: '' }, 'status']],
  },
] as const; // prettier-ignore

describe.each(kinds)('$path', ({ path, table, time, days, row, shown, filters, wrong }) => {
  test('one is recorded as it was said, and found by each of its filters', async () => {
    const made = await record(path, row);
    expect([made.status, made.body]).toEqual([201, { data: shown }]);
    for (const [filter, value] of Object.entries(filters)) {
      expect((await list(path, `?${filter}=${value}`)).body.data).toEqual([made.body.data]);
      expect((await list(path, `?${filter}=other`)).body.data).toEqual([]);
    }
    expect((await list(path, '?since=2999-01-01')).body.data).toEqual([]);
    expect((await s.as((await s.tenant()).token)('GET', base + path)).body.data).toEqual([]);
  });

  test('many at once are all recorded, or none; pages give each of them once, in their order', async () => {
    const many = Array.from({ length: 7 }, (_, i) => ({ ...row, agent_name: `batch-${i % 2}` }));
    const made = await record(path, many);
    expect(made.status).toBe(201);
    expect(made.body.data).toHaveLength(7);
    const broken = await record(path, [...many.slice(1), { ...row, agent_name: '' }]);
    expect([broken.status, broken.body.error.message]).toEqual([400, expect.stringContaining('6.agent_name')]);
    const ids: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { body }: Answer = await list(path, `?limit=2${cursor && `&cursor=${cursor}`}`);
      ids.push(...body.data.filter((r: { agent_name: string }) => r.agent_name !== 'a').map((r: { id: string }) => r.id));
      cursor = body.pagination.next_cursor;
    }
    expect(ids).toEqual(made.body.data.map((r: { id: string }) => r.id).reverse());
    expect((await record(path, [])).status).toBe(400);
  });

  test('a repeat with its key adds nothing, and the log has one entry for the call', async () => {
    const body = [row, row].map((r) => ({ ...r, agent_name: 'repeats' }));
    const key = { 'idempotency-key': `repeat-${path}` };
    const first = await record(path, body, key);
    // As when the answer was lost: the key is free, and what it named is there.
    await s.owner.query('delete from idempotency_keys');
    const again = await record(path, body, key);
    expect([again.status, again.body]).toEqual([201, first.body]);
    expect((await list(path, '?agent_name=repeats')).body.data).toHaveLength(2);
    const { rows } = await s.owner.query(`select body from log where kind = $1 and body::jsonb -> 'agents' @> '["repeats"]'`, [`${path.slice(1).replace('-', '_')}.recorded`]);
    expect(rows.map((r) => r.body as unknown)).toEqual([{ rows: 2, agents: ['repeats'], agent_count: 1 }]);
  });

  test.each(wrong.map(([change, field]) => ({ change, field })))('a wrong $field is refused by its name, alone and among others', async ({ change, field }) => {
    const bad = { ...row, ...change };
    expect(await record(path, bad)).toMatchObject({ status: 400, body: { error: { code: 'INVALID', message: expect.stringContaining(field) } } });
    const among = await record(path, [row, bad]);
    expect([among.status, among.body.error.message]).toEqual([400, expect.stringContaining(`1.${field}`)]);
  });

  test('what is older than it is kept goes, in small batches, each with its entry', async () => {
    const { rows: columns } = await s.owner.query<{ name: string }>(
      `select attname as name from pg_attribute where attrelid = $1::regclass and attnum > 0 and attname not in ('id', $2)`, [table, time]);
    const names = columns.map((c) => c.name).join(', ');
    // Older by a day than what is kept, and younger by one: as many as are more than one batch.
    await s.owner.query(
      `insert into ${table} (id, ${names}, ${time}) select gen_random_uuid(), ${names}, now() - ($1 + side) * interval '1 day'
       from (select * from ${table} limit 1) one, generate_series(1, 1200) i, (values (1), (-1)) sides (side) where side = 1 or i = 1`, [days]);
    const old = async () =>
      (await s.owner.query<{ n: number }>(`select count(*)::int as n from ${table} where ${time} < now() - $1 * interval '1 day'`, [days])).rows[0]?.n;
    await until(async () => (await old()) === 0, 'the old rows to go');
    const { rows } = await s.owner.query<{ body: { rows: number; kept_days: number } }>(
      `select body from log where kind = $1 and tenant_id = $2 order by seq`, [`${path.slice(1).replace('-', '_')}.expired`, s.tenantId]);
    expect(rows.reduce((n, r) => n + r.body.rows, 0)).toBeGreaterThanOrEqual(1200);
    expect(rows.length).toBeGreaterThan(1);
    for (const { body } of rows) expect(body.rows <= 1000 && body.kept_days === days).toBe(true);
    const { rows: young } = await s.owner.query(`select from ${table} where ${time} < now() - ($1 - 2) * interval '1 day'`, [days]);
    expect(young.length).toBeGreaterThan(0);
  });
}); // prettier-ignore

import { randomUUID } from 'node:crypto';
import { caller, startServer, until, withoutTemporal, type Server } from '../harness';

let s: Server;
beforeAll(async () => {
  s = await startServer();
});
afterAll(() => s.close());

const base = '/api/v1/agent-ops';
const signals = `${base}/signals`;
const send = async (body: Record<string, unknown>, call: Server['call'] = (...args) => s.call(...args)) => {
  const a = await call('POST', signals, { created_by: 'watcher', signal: 'look', ...body });
  expect(a.status).toBe(201);
  return a.body.data as Record<string, any> & { id: string };
};
const listed = async (query: string): Promise<string[]> =>
  (await s.call('GET', `${signals}?${query}`)).body.data.map((x: { id: string }) => x.id);
/** An agent whose runs propose, and then wait for people. */
const agent = async (): Promise<{ id: string; name: string }> =>
  (await s.call('POST', `${base}/registry`, { name: `agent-${randomUUID()}` })).body.data;
const start = async (id: string): Promise<number> => {
  const a = await s.call('POST', `${base}/registry/${id}/test-run`, {});
  const { rows } = await s.owner.query<{ number: number }>('select number from runs where id = $1', [
    a.body.data.run_id,
  ]);
  return rows[0]?.number ?? 0;
};
const waits = (run: number) =>
  until(async () => (await s.call('GET', `/api/agents/${run}`)).body.status === 'pending_approval', 'the run to wait');
const heard = (run: number, what: string) =>
  until(async () => {
    const { events } = (await s.call('GET', `/api/agents/${run}/steering`)).body;
    return events.find((e: { body: string; status: string }) => e.body === what && e.status === 'acknowledged');
  }, `the run to take in: ${what}`);

describe('a signal', () => {
  it('is told, listed by what it is, and ends once', async () => {
    const to = `agent-${randomUUID()}`;
    const first = await send({ for_agent: to, detail: { host: 'web-1' } });
    const second = await send({ for_agent: to, signal: 'stop', created_by: 'other', detail: 'now' });
    expect(first).toEqual({
      id: first.id, for_agent: to, created_by: 'watcher', signal: 'look', detail: { host: 'web-1' }, status: 'pending', expires_at: null,
      created_at: expect.any(String), actioned_by: null, actioned_at: null, result: null,
    }); // prettier-ignore
    expect(await listed(`for_agent=${to}`)).toEqual([second.id, first.id]);
    expect(await listed(`for_agent=${to}&created_by=other`)).toEqual([second.id]);
    expect(await listed(`for_agent=${to}&signal=look`)).toEqual([first.id]);
    const page = await s.call('GET', `${signals}?for_agent=${to}&limit=1`);
    expect(await listed(`for_agent=${to}&limit=1&cursor=${page.body.pagination.next_cursor}`)).toEqual([first.id]);

    const act = (by: string) => s.call('PATCH', `${signals}/${first.id}`, { actioned_by: by, result: { by } });
    const answers = await Promise.all(['a', 'b', 'c'].map(act));
    expect(answers.map((a) => a.status)).toEqual([200, 200, 200]);
    const [stands] = answers.map((a) => a.body.data);
    for (const a of answers) expect(a.body.data).toEqual(stands);
    expect(stands).toMatchObject({ status: 'actioned', result: { by: stands.actioned_by } });
    expect(await listed(`for_agent=${to}&pending=true`)).toEqual([second.id]);
    expect(await listed(`for_agent=${to}&pending=false`)).toEqual([first.id]);
    const { rows } = await s.owner.query('select kind from log where subject_id = $1 order by seq', [first.id]);
    expect(rows).toEqual([{ kind: 'signal.sent' }, { kind: 'signal.actioned' }]);
    expect((await s.call('PATCH', `${signals}/${second.id}`, {})).body.data.actioned_by).toBe(s.admin.email);
  });

  it('expires by the clock of the database, and then nobody has acted on it', async () => {
    const to = `agent-${randomUUID()}`;
    const sent = await send({ for_agent: to, expires_at: new Date(Date.now() + 3_600_000).toISOString() });
    expect(await listed(`for_agent=${to}&pending=true`)).toEqual([sent.id]);
    await s.owner.query(`update agent_signals set expires_at = now() where id = $1`, [sent.id]);
    expect(await listed(`for_agent=${to}&pending=true`)).toEqual([]);
    expect((await s.call('GET', `${signals}?for_agent=${to}&pending=false`)).body.data[0].status).toBe('expired');
    const late = await s.call('PATCH', `${signals}/${sent.id}`, {});
    expect([late.status, late.body.error.message]).toEqual([409, expect.stringContaining('expired')]);
  });

  it('is sent once by a request and its repeats, its kept answer lost or not', async () => {
    const body = { for_agent: `agent-${randomUUID()}`, created_by: 'x', signal: 'look' };
    const key = { 'idempotency-key': randomUUID() };
    const first = await s.call('POST', signals, body, key);
    await s.owner.query('delete from idempotency_keys');
    expect((await s.call('POST', signals, body, key)).body).toEqual(first.body);
    expect(await listed(`for_agent=${body.for_agent}`)).toHaveLength(1);
  });

  it.each([
    [{ created_by: 'x', signal: 'y' }, 'for_agent'],
    [{ for_agent: 'a', signal: 'y' }, 'created_by'],
    [{ for_agent: 'a', created_by: 'x' }, 'signal'],
    [{ for_agent: 'a', created_by: 'x', signal: 'y', expires_at: '2020-01-01T00:00:00Z' }, 'expires_at'],
    [{ for_agent: 'a', created_by: 'x', signal: 'y', expires_at: 'soon' }, 'expires_at'],
    [{ for_agent: 'a', created_by: 'x', signal: 'y', detail: 7 }, 'detail'],
  ])('%j is refused, naming %s', async (body, field) => {
    const a = await s.call('POST', signals, body);
    expect([a.status, a.body.error.message]).toEqual([400, expect.stringContaining(field)]);
  });

  it("is its tenant's alone", async () => {
    const sent = await send({ for_agent: 'analyst' });
    const stranger = s.as((await s.tenant()).token);
    expect((await stranger('GET', signals)).body.data).toEqual([]);
    expect((await stranger('PATCH', `${signals}/${sent.id}`, {})).status).toBe(404);
    await s.call('PATCH', `${signals}/${sent.id}`, {});
  });
});

describe('runs hear of it', () => {
  it('those that are under way, while people decide; also when the API cannot reach Temporal', async () => {
    const { id, name } = await agent();
    const run = await start(id);
    await waits(run);
    await send({ for_agent: name, signal: 'deploy', detail: 'web-1 went out' });
    await heard(run, 'deploy: web-1 went out');
    const api = await withoutTemporal(s);
    await send({ for_agent: name, signal: 'again' }, caller(api.url, s.token));
    await heard(run, 'again');
    await api.close();
    const { rows } = await s.owner.query(
      'select distinct source, author from steering_events e join runs r on r.id = e.run_id where r.number = $1',
      [run],
    );
    expect(rows).toEqual([{ source: 'signal', author: 'watcher' }]);
  });

  it('those that begin while it waits, and no others', async () => {
    const { id, name } = await agent();
    const [waiting, done, over] = await Promise.all(
      ['waiting', 'done', 'over'].map((signal) => send({ for_agent: name, signal })),
    );
    await send({ for_agent: `${name}-other`, signal: 'elsewhere' });
    await s.call('PATCH', `${signals}/${done?.id}`, {});
    await s.owner.query('update agent_signals set expires_at = now() where id = $1', [over?.id]);
    const run = await start(id);
    await heard(run, 'waiting');
    const { events } = (await s.call('GET', `/api/agents/${run}/steering`)).body;
    expect(events.map((e: { body: string }) => e.body)).toEqual(['waiting']);
    expect((await s.call('PATCH', `${signals}/${waiting?.id}`, {})).status).toBe(200);
  });

  it("exactly once, however a signal and the run's beginning meet", async () => {
    const { id, name } = await agent();
    const wanted = Array.from({ length: 4 }, (_, i) => `race ${i}`);
    const runs: number[] = [];
    await Promise.all(
      wanted.flatMap((signal) => [send({ for_agent: name, signal }), start(id).then((run) => void runs.push(run))]),
    );
    const { rows } = await s.owner.query<{ number: number; told: string[] }>(
      `select r.number, array_agg(e.body order by e.body) as told from runs r join steering_events e on e.run_id = r.id
       where r.number = any($1) group by 1`,
      [runs],
    );
    expect(rows).toHaveLength(4);
    for (const row of rows) expect(row.told).toEqual(wanted);
  });
});

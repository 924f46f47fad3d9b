import { startServer, type Server } from '../harness';

let s: Server;
beforeAll(async () => void (s = await startServer({}, { worker: false })));
afterAll(() => s.close());

const base = '/functions/v1/api/v1/agent-ops';
const look = async (token = s.token) => (await s.as(token)('GET', `${base}/dashboard`)).body.data;
const must = async (path: string, body: object) => {
  const a = await s.call('POST', base + path, body);
  if (a.status >= 300) throw new Error(`${path}: ${a.status} ${a.text}`);
  return a.body.data;
};

test('a tenant in which nothing happened', async () => {
  const { token } = await s.tenant();
  expect(await look(token)).toEqual({
    agents: [expect.objectContaining({ name: 'analyst', status: 'active', last_run_at: null })],
    today_runs: [],
    pending_signals: [],
    report_runs: [],
    summary: {
      agents_active: 1, agents_total: 1, runs_today: 0, runs_completed: 0, runs_failed: 0, avg_duration_ms: null, pending_signals: 0,
    },
  }); // prettier-ignore
});

test('agents that fail come first; runs of today are counted, older ones are not; signals count while they wait', async () => {
  for (const name of ['steady', 'failing', 'paused']) await must('/registry', { name, runtime: 'external' });
  const paused = (await s.call('GET', `${base}/registry`)).body.data.find((a: { name: string }) => a.name === 'paused');
  await s.call('PATCH', `${base}/registry/${paused.id}`, { status: 'paused' });
  const yesterday = new Date(Date.now() - 86_400_000).toISOString();
  const ended = (agent_name: string, status: string, duration_ms: number) => must('/runs', { agent_name, status, duration_ms });
  await ended('steady', 'completed', 1_000);
  await ended('failing', 'failed', 4_000);
  await ended('failing', 'failed', 1_000);
  const goesOn = await must('/runs', { agent_name: 'steady' });
  await must('/runs', { agent_name: 'steady', status: 'completed', started_at: yesterday, completed_at: yesterday });
  const report = await must('/report-runs', { agent_name: 'steady', report_type: 'weekly' });
  const signal = (id: string, status: string, expires: string) =>
    s.owner.query(
      `insert into agent_signals (id, tenant_id, for_agent, created_by, signal, status, expires_at)
       values ($1, $2, 'steady', 'failing', 'look', $3, now() + $4::interval)`, [id, s.tenantId, status, expires]);
  const waits = '01890000-0000-7000-8000-000000000001';
  await signal(waits, 'pending', '1 hour');
  await signal('01890000-0000-7000-8000-000000000002', 'pending', '-1 hour');
  await signal('01890000-0000-7000-8000-000000000003', 'actioned', '1 hour');

  const { agents, today_runs, pending_signals, report_runs, summary } = await look();
  expect(agents.map((a: { name: string }) => a.name)).toEqual(['failing', 'steady', 'analyst', 'paused']);
  expect(agents[0]).toMatchObject({ consecutive_failures: 2, last_success_at: null });
  expect(today_runs[0]).toEqual(goesOn);
  expect(today_runs).toHaveLength(4);
  expect(pending_signals).toEqual([expect.objectContaining({ id: waits, for_agent: 'steady', created_by: 'failing', signal: 'look', status: 'pending' })]);
  expect(report_runs).toEqual([report]);
  expect(summary).toEqual({
    agents_active: 3, agents_total: 4, runs_today: 4, runs_completed: 1, runs_failed: 2, avg_duration_ms: 2_000, pending_signals: 1,
  });
}); // prettier-ignore

test('an agent that was deleted is gone from it, and lists are cut where the summary goes on', async () => {
  const { token, tenantId } = await s.tenant();
  const call = s.as(token);
  const { id } = (await call('POST', `${base}/registry`, { name: 'gone', runtime: 'external' })).body.data;
  expect((await call('DELETE', `${base}/registry/${id}`)).status).toBe(204);
  await s.owner.query(
    `insert into reported_runs (id, tenant_id, agent_name, status, listed_at, version)
     select gen_random_uuid(), $1, 'many', 'started', now(), 1 from generate_series(1, 120)`, [tenantId]);
  const { agents, today_runs, summary } = await look(token);
  expect(agents.map((a: { name: string }) => a.name)).toEqual(['analyst']);
  expect([today_runs.length, summary.runs_today, summary.agents_total]).toEqual([25, 120, 1]);
}); // prettier-ignore

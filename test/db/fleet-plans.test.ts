import { seedFleet } from '../../bench/dashboard/seed';
import { listRecords } from '../../db/agent-records';
import { agentsInTrouble } from '../../db/dashboard';
import { evaluate } from '../../db/alert-evaluation';
import { countPendingSignals, listSignals } from '../../db/signals';
import { listFleetRuns, type FleetFilter, type FleetRun } from '../../db/fleet-runs';
import type { Read } from '../../db/read';
import { runsOfDay } from '../../db/run-tallies';
import { openHouse, type House } from '../house';
import { asApplication, explaining } from './explaining';

// No page of the fleet's lists looks at a whole table, nor at all runs of an agent or of a status; and the two kinds of runs
// are in one order.

let house: House;
beforeAll(async () => {
  house = await openHouse();
  await seedFleet(house.url, house.tenantId, 50, 40_000);
  await asApplication(house.owner, house.tenantId);
}, 120_000);
afterAll(() => house.close());

const large = ['runs', 'reported_runs', 'report_runs'];
const explained = () => explaining(house.owner, house.tenantId, large);
const all: FleetFilter = { agentName: null, status: null, since: null, after: null };
const day = (ago: number): string => new Date(Date.now() - ago * 86_400_000).toISOString();

const filters: [string, Partial<FleetFilter>][] = [
  ['all', {}],
  ['by status', { status: 'failed' }],
  ['by agent', { agentName: 'fleet-7' }],
  ['by agent and status', { agentName: 'fleet-7', status: 'completed' }],
  ['since yesterday', { since: day(1) }],
  ['of an agent since yesterday', { agentName: 'fleet-7', since: day(1) }],
];
test.each(filters)('runs, %s: at both ends and in the middle', async (_what, filter) => {
  const id = '01890000-0000-7000-8000-000000000000';
  for (const after of [null, { at: day(15), id }, { at: day(29.9), id }]) {
    const seen = explained();
    const page = await listFleetRuns(seen.tx, { ...all, ...filter, after }, 26);
    expect(seen.looks).toEqual([]);
    // A page of each kind and status at most, twice as they are put in order, and what is joined to the page itself.
    expect(seen.rows()).toBeLessThan(900);
    if (filter.since === undefined && after?.at !== day(29.9)) expect(page.length).toBeGreaterThan(0);
  }
});

test('pages one after the other give each run once, in the order of both kinds together', async () => {
  const { owner: app } = house;
  const tx: Read = {
    tenantId: house.tenantId,
    query: (sql, params) => app.query(sql, params as unknown[]),
    copy: () => Promise.reject(new Error('a page is no copy')),
  };
  const filter = { ...all, agentName: 'fleet-7', status: 'failed' } as const;
  const seen: FleetRun[] = [];
  for (let after: FleetFilter['after'] = null; ;) {
    const page: FleetRun[] = await listFleetRuns(tx, { ...filter, after }, 17);
    const last = page.at(-1);
    if (!last) break;
    seen.push(...page);
    after = last;
  }
  const { rows } = await app.query<{ id: string }>(
    `select id from (select id, created_at as at from runs where outcome = 'failed' and agent_id = (select id from agents where name = 'fleet-7')
       union all select id, listed_at from reported_runs where status = 'failed' and agent_name = 'fleet-7') r order by at desc, id desc`,
  );
  expect(seen.map((r) => r.id)).toEqual(rows.map((r) => r.id));
  expect(new Set(seen.map((r) => r.own)).size).toBe(seen.length ? 2 : 0);
  expect(seen.length).toBeGreaterThan(50);
});

test('reports, and the runs of a day', async () => {
  const seen = explained();
  const page = { since: null, after: { at: day(15), id: '01890000-0000-7000-8000-000000000000' }, limit: 26 };
  for (const f of [{}, { agent_name: 'fleet-7' }, { report_type: 'weekly' }, { agent_name: 'fleet-7', report_type: 'weekly' }])
    expect((await listRecords(seen.tx, 'report_runs', f, page)).length).toBeGreaterThan(0);
  const { began } = await runsOfDay(seen.tx, day(3).slice(0, 10));
  expect(began).toBeGreaterThan(1_000);
  expect(seen.looks).toEqual([]);
  expect(seen.rows()).toBeLessThan(500);
}); // prettier-ignore

test('the head of the dashboard: agents that fail first', async () => {
  const seen = explaining(house.owner, house.tenantId, ['agents']);
  await house.owner.query('set enable_seqscan = off'); // of fifty agents it would rather look at all
  const agents = await agentsInTrouble(seen.tx, 25);
  const total = await countPendingSignals(seen.tx);
  await house.owner.query('reset enable_seqscan');
  expect([agents.length, total, seen.rows()]).toEqual([25, 5, 25]);
  const failures = agents.map((a) => a.consecutiveFailures);
  expect(failures).toEqual([...failures].sort((a, b) => b - a));
});

test('what an ending asks about its agent: failures after a moment, by an index', async () => {
  const seen = explained();
  const { rows } = await seen.tx.query<{ n: number }>(
    `select (select count(*) from runs r where r.tenant_id = $1 and r.agent_id = $2 and r.outcome = 'failed' and r.finished_at > $4)
       + (select count(*) from reported_runs r where r.tenant_id = $1 and r.agent_name = $3 and r.status = 'failed' and r.completed_at > $4) as n`,
    [house.tenantId, '01990021-0000-7000-8000-000000000007', 'fleet-7', day(1)],
  );
  expect(seen.looks).toEqual([]);
  expect(seen.rows()).toBe(Number(rows[0]?.n));
});

test('signals that wait are counted without a look at them, and the newest read by an index', async () => {
  const { owner } = house;
  await owner.query('reset role');
  await owner.query(
    `insert into agent_signals (id, tenant_id, for_agent, created_by, signal, expires_at)
     select gen_random_uuid(), $1, 'fleet-7', 'seed', 'look', case when i % 2 = 0 then now() + interval '1 day' end
     from generate_series(1, 20000) i`,
    [house.tenantId],
  );
  await owner.query('analyze agent_signals');
  await asApplication(owner, house.tenantId);
  const seen = explaining(owner, house.tenantId, ['agent_signals']);
  expect(await countPendingSignals(seen.tx)).toBe(20_005);
  const pending = { forAgent: null, createdBy: null, signal: null, pending: true, after: null };
  expect(await listSignals(seen.tx, pending, 25)).toHaveLength(25);
  expect(seen.looks).toEqual([]);
  expect(seen.rows()).toBeLessThan(60);
});

test.each([
  ['all agents', null, 50],
  ['one agent', ['fleet-7'], 1],
])(
  'alert rules over %s: one statement a type, by indexes, a page of runs an agent at most',
  async (_of, names, agents) => {
    const { owner } = house;
    await owner.query('reset role');
    await owner.query('delete from alerts; delete from alert_rules');
    const types = ['consecutive_failures', 'duration_exceeded', 'no_run_since', 'error_rate'];
    await owner.query(
      `insert into alert_rules (id, tenant_id, rule_type, threshold, agent_name, enabled, created_by)
     select gen_random_uuid(), $1, type, 0.05, case when i % 5 > 0 then 'fleet-' || i end, true, '{}'
     from unnest($2::text[]) type, generate_series(1, 20) i`,
      [house.tenantId, types],
    );
    await owner.query('analyze alert_rules, alerts, agents');
    await asApplication(owner, house.tenantId);
    const seen = explaining(owner, house.tenantId, large);
    let statements = 0;
    const tx: Read = {
      ...seen.tx,
      query: (sql, params) => {
        statements += 1;
        return seen.tx.query(sql, params);
      },
    };
    await owner.query('begin'); // what it explains it carries out: it fires there, and stands when it is asked again
    await evaluate(tx, names);
    const { rows } = await owner.query<{ rule_type: string; n: number }>(
      'select rule_type, count(*)::int as n from alerts group by 1 order by 1',
    );
    await owner.query('rollback');
    expect(rows.map((r) => r.rule_type)).toEqual(expect.arrayContaining(['duration_exceeded', 'no_run_since']));
    expect(statements).toBe(types.length + 1); // and the lock
    expect(seen.looks).toEqual([]);
    // Measured: of four kinds and endings twenty runs; and the runs that each alert names.
    const fired = rows.reduce((n, r) => n + r.n, 0);
    expect(seen.rows()).toBeLessThan(200 * agents + 200 * fired);
    expect(seen.rows()).toBeGreaterThan(agents);
  },
);

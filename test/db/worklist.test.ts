import { v7 } from 'uuid';
import { readTx } from '../../db/tx';
import { decideRecommendation, openRecommendations, type Place } from '../../db/worklist';
import type { Severity } from '../../domain/findings';
import { system } from '../../domain/principal';
import { openHouse, type House } from '../house';

const count = 5_000;
let house: House;
let investigation: string;
beforeAll(async () => {
  house = await openHouse();
  investigation = v7();
  await house.owner.query(
    `insert into investigations (id, tenant_id, transaction_id, agent_id, mode, status, started_by, created_at, version)
     values ($1, $2, gen_random_uuid(), $3, 'quick', 'COMPLETED', '{}', now(), 3)`,
    [investigation, house.tenantId, house.analystId],
  );
  await add(count);
  await house.owner.query('analyze recommendations');
});
afterAll(() => house.close());

const add = (n: number) =>
  house.owner.query(
    `insert into recommendations (id, tenant_id, investigation_id, transaction_id, type, priority, title, impact, severity, evidence, created_at)
     select gen_random_uuid(), $1, $2, gen_random_uuid(), 'review', rank * 1000 + floor(random() * 100)::int, 't', 'i',
       (array['LOW', 'MEDIUM', 'HIGH', 'CRITICAL'])[rank + 1], '{}', now()
     from (select floor(random() * 4)::int as rank from generate_series(1, $3)) s`,
    [house.tenantId, investigation, n],
  );
const page = (severity: Severity | null, after: Place | null, limit = 100) =>
  house.store.read(house.tenantId, (tx) => openRecommendations(tx, { severity, after, limit }));

async function walk(severity: Severity | null, between: (shown: number, last: Place) => Promise<unknown>) {
  const shown: { id: string; priority: number }[] = [];
  let after: Place | null = null;
  for (;;) {
    const found = await page(severity, after);
    shown.push(...found);
    after = found.at(-1) ?? null;
    if (after === null) return shown;
    await between(shown.length, after);
  }
}

test('walked while others come in and the last of a page is decided, every row is shown once, the most pressing first', async () => {
  const { rows } = await house.owner.query<{ id: string }>('select id from recommendations');
  const shown = await walk(null, async (n, last) => {
    await add(20);
    if (n % 500 === 0)
      await house.store.write(house.tenantId, (tx) =>
        decideRecommendation(tx, last.id, { status: 'REJECTED', by: system, comment: null }),
      );
  });
  const ids = new Set(shown.map((r) => r.id));
  expect(ids.size).toBe(shown.length);
  expect(rows.filter((r) => !ids.has(r.id))).toEqual([]);
  const priorities = shown.map((r) => r.priority);
  expect(priorities).toEqual([...priorities].sort((a, b) => b - a));
});

test('a severity has its own list', async () => {
  const { rows } = await house.owner.query<{ n: number }>(
    `select count(*)::int as n from recommendations where severity = 'HIGH' and status = 'OPEN'`,
  );
  const shown = await walk('HIGH', () => Promise.resolve());
  expect(shown.length).toBe(rows[0]?.n);
});

test.each([null, 'HIGH'] as const)('severity %s: a page walks along an index, for any parameters', async (severity) => {
  const asked: { sql: string; params: readonly unknown[] }[] = [];
  const [first] = await page(severity, null, 1);
  await readTx(house.store.pool, house.tenantId, (tx) =>
    openRecommendations(
      { ...tx, query: (sql, params = []) => (asked.push({ sql, params }), tx.query(sql, params)) },
      { severity, after: first ?? null, limit: 50 },
    ),
  );
  const { owner } = house;
  await owner.query(`begin; set local role wheelhouse_app; set local app.tenant = '${house.tenantId}'`);
  await owner.query(`set local plan_cache_mode = force_generic_plan; prepare page as ${asked[0]?.sql}`);
  const values = (asked[0]?.params ?? []).map((v) => `'${String(v)}'`).join(', ');
  const { rows } = await owner.query<{ 'QUERY PLAN': string }>(`explain execute page(${values})`);
  await owner.query('rollback; deallocate page');
  const plan = rows.map((r) => r['QUERY PLAN']).join('\n');
  expect(plan).toContain(`Index Scan using recommendations_open${severity === null ? '' : '_severity'}`);
  expect(plan).not.toMatch(/Sort|Seq Scan/);
  expect(plan).toMatch(/Index Cond: .*ROW\(priority, id\) </);
});

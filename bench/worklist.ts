import type { Client } from 'pg';
import { v7 } from 'uuid';
import { client } from '../cli/story';
import type { Config } from '../config';
import { filled } from './reads/bulk';
import { percentile, type Row } from './row';
import { withStack, type Stack } from './stack';

const count = Number(process.env['BENCH_ROWS'] ?? 1_000_000);
const limit = 50;
const reachMs = 20;
/** Pages between two that come in while the list is walked. */
const newcomerEvery = 50;

/** Open recommendations of all severities, in no order, as investigations would have left them. */
async function seed(owner: Client, tenantId: string): Promise<string> {
  const id = v7();
  const { rows } = await owner.query<{ id: string }>(`select id from agents where tenant_id = $1 limit 1`, [tenantId]);
  await owner.query(
    `insert into investigations (id, tenant_id, transaction_id, agent_id, mode, status, started_by, created_at, version)
     values ($1, $2, gen_random_uuid(), $3, 'quick', 'COMPLETED', '{"id":null,"kind":"system","name":"seed"}', now(), 3)`,
    [id, tenantId, rows[0]?.id],
  );
  await filled(owner, 'recommendations', () => add(owner, tenantId, id, count));
  return id;
}

const add = (owner: Client, tenantId: string, id: string, n: number): Promise<unknown> =>
  owner.query(
    `insert into recommendations (id, tenant_id, investigation_id, transaction_id, type, priority, title, impact, severity, evidence, created_at)
     select gen_random_uuid(), $1, $2, gen_random_uuid(), 'review', rank * 1000 + floor(random() * 1000)::int, 'Call the customer',
       'Stops the next payment', (array['LOW', 'MEDIUM', 'HIGH', 'CRITICAL'])[rank + 1], array[gen_random_uuid()], now()
     from (select floor(random() * 4)::int as rank from generate_series(1, $3)) s`,
    [tenantId, id, n],
  );

interface Page {
  items: { recommendation_id: string }[];
  next_cursor: string | null;
}

/** From the first page to the last while others come in: how long each took, and whether any row was missed or shown twice. */
async function walk(
  stack: Stack,
  query: string,
  more: () => Promise<unknown>,
): Promise<{ ms: number[]; shown: Set<string>; twice: number }> {
  const call = client({ url: stack.local.url, token: stack.approver });
  const ms: number[] = [];
  const shown = new Set<string>();
  let [cursor, twice]: [string | null, number] = ['', 0];
  while (cursor !== null) {
    if (ms.length % newcomerEvery === 0) await more();
    const from = performance.now();
    const page: Page = await call<Page>(
      'GET',
      `/api/v1/ops-agent/worklist/recommendations?limit=${limit}${query}${cursor && `&cursor=${cursor}`}`,
    );
    ms.push(performance.now() - from);
    for (const { recommendation_id: id } of page.items) {
      if (shown.has(id)) twice += 1;
      shown.add(id);
    }
    cursor = page.next_cursor;
  }
  return { ms, shown, twice };
}

/**
 * A million open recommendations, walked page by page over HTTP from the first to the last, and those of one severity: how
 * long a page takes, wherever it is.
 */
export async function worklist(config: Config): Promise<Row[]> {
  return withStack(config, async (stack) => {
    const { owner, local } = stack;
    const id = await seed(owner, local.tenant_id);
    const rows: Row[] = [];
    for (const [what, query, matches] of [
      ['every severity', '', 'true'],
      ['severity=HIGH', '&severity=HIGH', `severity = 'HIGH'`],
    ] as const) {
      const { rows: before } = await owner.query<{ id: string }>(`select id from recommendations where ${matches}`);
      const { ms, shown, twice } = await walk(stack, query, () => add(owner, local.tenant_id, id, 1));
      const missed = before.filter((r) => !shown.has(r.id)).length;
      const tenth = Math.ceil(ms.length / 10);
      const p99 = Array.from({ length: 10 }, (_, i) => percentile(ms.slice(i * tenth, (i + 1) * tenth), 0.99));
      const [first = NaN, last = NaN] = [p99[0], p99.at(-1)];
      rows.push({
        what: `worklist of ${before.length}, ${what}: a page of ${limit}`,
        measured:
          `${ms.length} pages: p50 ${percentile(ms, 0.5).toFixed(1)}, p99 ${percentile(ms, 0.99).toFixed(1)}, longest ${Math.max(...ms).toFixed(1)} ms; ` +
          `${missed} missed, ${twice} twice`,
        beside: `p99 of the first tenth ${first.toFixed(1)}, of the last ${last.toFixed(1)} ms`,
        reach: `p99 < ${reachMs} ms in every tenth, none missed`,
        reached: Math.max(...p99) < reachMs && missed + twice === 0,
      });
    }
    return rows;
  });
}

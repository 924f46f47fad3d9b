import { aggregates } from '../api/aggregates/table';
import type { Config } from '../config';
import { appPool } from '../db/pool';
import { readTx } from '../db/tx';
import { seedCalls } from './audit/seed';
import { median, percentile, type Row } from './row';
import { withStack, type Stack } from './stack';

const count = Number(process.env['BENCH_ROWS'] ?? 1_000_000);
const reach = 100;

/**
 * Every aggregate of the audit door over HTTP, one after the other, in a log of a million entries of ninety days: how long each
 * takes beside counting the entries, and how fast entries leave by the export.
 */
export const audit = (config: Config, seconds: number): Promise<Row[]> =>
  withStack(config, async (stack) => {
    const { local } = stack;
    const { agentIds, loaded, tallied } = await seedCalls(local.database_url, local.tenant_id, count);
    process.stderr.write(
      `${count} entries loaded in ${loaded.toFixed(0)} s, taken into cells in ${tallied.toFixed(0)} s\n`,
    );
    const plain = await counting(stack);
    const agent = agentIds[3] ?? '';
    const paths = [
      '/audit/logs/summary?days=30',
      ...Object.values(aggregates).map(({ path, of, query }) => {
        const most = 'days' in query.shape ? '?days=30' : '';
        return path.replace(':id', of === 'agent' ? agent : '') + most;
      }),
    ];
    const rows: Row[] = [];
    for (const path of paths) rows.push(await measured(stack, path, Math.max(0.5, seconds / 5), plain));
    rows.push(
      await exported(stack, 'lines of JSON', '/audit/export'),
      await exported(stack, 'CSV', '/audit/export?format=csv'),
    );
    return rows;
  });

/** What it takes to count the entries one by one, in ms: the floor of anybody who keeps nothing. */
async function counting({ local }: Stack): Promise<number> {
  const failed: Error[] = [];
  const pool = appPool(local.database_url, 1, (e) => failed.push(e));
  try {
    const took: number[] = [];
    for (let i = 0; i < 3; i += 1) {
      const from = performance.now();
      await readTx(pool, local.tenant_id, (tx) =>
        tx.query(`select count(*) from log where starts_with(kind, 'execution.')`),
      );
      took.push(performance.now() - from);
    }
    if (failed[0]) throw failed[0];
    return median(took);
  } finally {
    await pool.end();
  }
}

const asked = (local: Stack['local'], path: string): Promise<Response> =>
  fetch(local.url + path, { headers: { authorization: `Bearer ${local.token}` } });

async function measured({ local }: Stack, path: string, seconds: number, plain: number): Promise<Row> {
  const took: number[] = [];
  const until = performance.now() + seconds * 1000;
  // The first ones plan their statements on each connection.
  for (let n = 0; n < 15 || performance.now() < until; n += 1) {
    const from = performance.now();
    const answer = await asked(local, path);
    await answer.arrayBuffer();
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status}`);
    if (n >= 5) took.push(performance.now() - from);
  }
  const [p50, p99] = [median(took), percentile(took, 0.99)];
  process.stderr.write(`${path}: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms\n`);
  return {
    what: path.replace(/\/[0-9a-f-]{36}/, '/{id}'),
    measured: `p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)} ms`,
    beside: `count(*) of ${count} ${plain.toFixed(0)} ms: ${(p50 / plain).toFixed(3)}`,
    reach: `p99 ≤ ${reach} ms`,
    reached: p99 <= reach,
  };
}

async function exported({ local }: Stack, what: string, path: string): Promise<Row> {
  const from = performance.now();
  const answer = await asked(local, path);
  let [lines, bytes] = [0, 0];
  for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    for (const byte of chunk) if (byte === 10) lines += 1;
  }
  const seconds = (performance.now() - from) / 1000;
  return {
    what: `export as ${what}`,
    measured: `${(lines / seconds).toFixed(0)} rows/s, ${(bytes / seconds / 2 ** 20).toFixed(1)} MiB/s`,
    beside: `${lines} rows`,
    reach: '',
    reached: null,
  };
}

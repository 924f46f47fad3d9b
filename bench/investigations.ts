import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root, type Config } from '../config';
import { appPool } from '../db/pool';
import { storedTransactions } from '../db/transactions/source';
import { readTx } from '../db/tx';
import { dayOf, readFiles, type Labelled } from './investigations/files';
import { countedWeights, halfOf, knownAt } from './investigations/halves';
import { judgeAll, transactionOf, type Judged } from './investigations/judge';
import { keptIn } from './investigations/kept';
import { counts, share, together, truthOf, type Counts, type Truth } from './investigations/recall';
import type { Row } from './row';
import { withStack, type Stack } from './stack';

const folder = process.env['BENCH_TRANSACTIONS'] ?? join(root, '../shared/real/transactions');
const scoredDays = 14;
/** Of a day's payments; a part of the terminals has its part of them. */
const lookedAt = { aDay: 20, share: 0.02 };
const atOnce = 6;
const reach = { perSecond: 5_000, knowable: 0.96, all: 0.62, precision: 0.32 };
const seeds = Array.from({ length: 10 }, (_, i) => i + 1);

/**
 * Real payments in order of time, disputes as they arrive, over HTTP; each payment of the last days is judged by the tools
 * and the rule with what was known at its moment, and the highest of each day are compared with what came to be disputed.
 */
export async function investigations(config: Config): Promise<Row[]> {
  if (!existsSync(join(folder, 'transactions.csv.gz'))) {
    const measured = `not run: there is no transactions.csv.gz in ${folder} (BENCH_TRANSACTIONS names the folder)`;
    return [{ what: 'investigations', measured, beside: '', reach: '', reached: null }];
  }
  const files = readFiles(folder);
  const { payments, disputes } = files;
  const days = [...new Set(payments.map((p) => dayOf(p.occurred_at)))];
  const scored = days.slice(-scoredDays);
  const { perSecond, judged } = await withStack(config, (stack) => overHttp(stack, files, scored));
  const kept = keptIn(payments.map(transactionOf), new Map(disputes.map((d) => [d.transaction_id, d.disputed_at])));
  const since = disputes[0]?.disputed_at ?? '';
  const all = await judgeAll(
    kept,
    payments.filter((p) => p.occurred_at >= since),
  );
  const truth = truthOf(payments, disputes);
  return [
    {
      what: 'payments taken in, 10,000 a call', measured: `${perSecond.toFixed(0)} rows/s`, beside: '',
      reach: `≥ ${reach.perSecond} rows/s`, reached: perSecond >= reach.perSecond,
    },
    ...figuresOf(judged, truth),
    asFromLists(judged, all),
    ...earlier(all, days, truth),
    ...halves(all, scored, disputes, truth),
  ]; // prettier-ignore
}

/** Takes everything in, in order of time, and judges the last days as the database answers. */
async function overHttp(
  stack: Stack,
  { payments, disputes }: ReturnType<typeof readFiles>,
  scored: readonly string[],
): Promise<{ perSecond: number; judged: Judged[] }> {
  const send = sender(stack);
  const before = payments.filter((p) => dayOf(p.occurred_at) < (scored[0] ?? ''));
  const from = performance.now();
  for (let i = 0; i < before.length; i += 10_000) await send('transactions', before.slice(i, i + 10_000));
  const perSecond = before.length / ((performance.now() - from) / 1000);
  await send(
    'disputes',
    disputes.filter((d) => dayOf(d.disputed_at) < (scored[0] ?? '')),
  );
  const judged: Judged[] = [];
  const pool = appPool(stack.local.database_url, atOnce, (e) => void process.stderr.write(`${e.message}\n`));
  const source = storedTransactions((work) => readTx(pool, stack.local.tenant_id, work));
  try {
    for (const day of scored) {
      const today = payments.filter((p) => dayOf(p.occurred_at) === day);
      await send('transactions', today);
      await send(
        'disputes',
        disputes.filter((d) => dayOf(d.disputed_at) === day),
      );
      judged.push(...(await judgeAll(source, today, atOnce)));
    }
  } finally {
    await pool.end();
  }
  return { perSecond, judged };
}

/** Sends rows as lines, and fails where one is not taken. */
const sender =
  ({ local }: Stack) =>
  async (what: 'transactions' | 'disputes', rows: readonly object[]): Promise<void> => {
    if (!rows.length) return;
    const res = await fetch(`${local.url}/api/v1/ops-agent/${what}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${local.token}`, 'content-type': 'application/x-ndjson' },
      body: rows.map((r) => JSON.stringify(r)).join('\n'),
    });
    const text = await res.text();
    if (res.status !== 200 || (JSON.parse(text) as { new: number }).new !== rows.length)
      throw new Error(`${what}: ${res.status} ${text.slice(0, 300)}`);
  };

const byRule = (j: Judged): number => j.rank.rule;
const aDay = (): number => lookedAt.aDay;
const part = (payments: number): number => Math.round(payments * lookedAt.share);

const figure = ([caught, of]: [number, number]): string => `${share([caught, of]).toFixed(3)} (${caught} of ${of})`;
const said = (c: Counts): string =>
  `knowable ${figure(c.knowable)}, all ${figure(c.all)}, precision ${figure(c.precision)}`;
const bounds = (c: Counts): string =>
  `precision at most ${share(c.ceiling).toFixed(3)}; knowable by any dispute ${figure(c.anyDispute)}`;
const aims = `≥ ${reach.knowable}, ${reach.all}, ${reach.precision}`;
const reached = (c: Counts): boolean =>
  (['knowable', 'all', 'precision'] as const).every((key) => share(c[key]) >= reach[key]);

/** The three figures over all terminals and the last days, beside the three plain rules. */
function figuresOf(judged: readonly Judged[], truth: Truth): Row[] {
  const rule = counts(judged, byRule, truth, aDay);
  const plain = counts(judged, (j) => j.rank.plain, truth, aDay);
  const row = (key: Exclude<keyof Counts, 'ceiling'>, what: string, least: number): Row => ({
    what,
    measured: figure(rule[key]),
    beside: `three plain rules ${share(plain[key]).toFixed(3)}`,
    reach: `≥ ${least}`,
    reached: share(rule[key]) >= least,
  });
  return [
    row('knowable', 'recall of the fraud that can be known', reach.knowable),
    row('anyDispute', 'the same, where any dispute counts as knowing', reach.knowable),
    row('all', 'recall of all fraud', reach.all),
    row('precision', `precision, ${share(rule.ceiling).toFixed(3)} at most`, reach.precision),
  ];
}

/** The same payments judged from lists, by going through all of them: what else is measured here is measured so. */
function asFromLists(judged: readonly Judged[], all: readonly Judged[]): Row {
  const ranks = new Map(all.map((j) => [j.payment.transaction_id, j.rank.rule]));
  const same = judged.filter((j) => ranks.get(j.payment.transaction_id) === j.rank.rule).length;
  return {
    what: 'judged the same from lists, without the database', measured: `${same} of ${judged.length}`, beside: '',
    reach: 'all', reached: same === judged.length,
  }; // prettier-ignore
}

/** The weights as they are written down, on the spans before. */
const earlier = (all: readonly Judged[], days: readonly string[], truth: Truth): Row[] =>
  [3, 2].map((spans) => {
    const span = days.slice(-spans * scoredDays, (1 - spans) * scoredDays);
    const c = counts(
      all.filter((j) => span.includes(dayOf(j.payment.occurred_at))),
      byRule,
      truth,
      aDay,
    );
    return { what: `${span[0]} to ${span.at(-1)}`, measured: said(c), beside: bounds(c), reach: '', reached: null };
  });

/**
 * On each half of the terminals, in ten splits: by weights that were counted from the disputes of the other half, and of the
 * days before alone; and by the weights as they are written down.
 */
function halves(all: readonly Judged[], scored: readonly string[], disputes: readonly Labelled[], truth: Truth): Row[] {
  const moment = `${scored[0]}T00:00:00.000Z`;
  const disputed = knownAt(moment, disputes, all);
  const before = all.filter((j) => j.payment.occurred_at < moment);
  const last = all.filter((j) => j.payment.occurred_at >= moment);
  const on = (half: number, seed: number) => (j: Judged) => halfOf(j.payment.terminal_id, seed) === half;
  const splits = seeds.flatMap((seed) => [0, 1].map((half) => ({ unseen: on(half, seed), seen: on(1 - half, seed) })));
  const measured = (rankOf: (seen: (j: Judged) => boolean) => (j: Judged) => number): Counts[] =>
    splits.map(({ unseen, seen }) => counts(last.filter(unseen), rankOf(seen), truth, part));
  const row = (what: string, parts: Counts[]): Row => {
    const c = together(parts);
    const worst = parts.map((h) => h.knowable).sort((a, b) => share(a) - share(b))[0] ?? c.knowable;
    const beside = `the worst half knowable ${figure(worst)}; ${bounds(c)}`;
    return { what, measured: said(c), beside, reach: aims, reached: reached(c) };
  };
  return [
    row(
      'terminals that no weight was counted on, ten splits',
      measured((seen) => countedWeights(before.filter(seen), disputed)),
    ),
    row(
      'the written weights on the same halves',
      measured(() => byRule),
    ),
  ];
}

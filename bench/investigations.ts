import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root, type Config } from '../config';
import { appPool } from '../db/pool';
import { storedTransactions } from '../db/transactions/source';
import { readTx } from '../db/tx';
import { customerFacts } from '../domain/transactions/customer';
import { severities, weigh } from '../domain/transactions/rule';
import { terminalFacts } from '../domain/transactions/terminal';
import type { PaymentHistory, Transaction } from '../domain/transactions/transaction';
import { dayOf, readFiles, type Payment } from './investigations/files';
import { figures, type Figures, type Judged } from './investigations/recall';
import type { Row } from './row';
import { withStack, type Stack } from './stack';

const folder = process.env['BENCH_TRANSACTIONS'] ?? join(root, '../shared/real/transactions');
const scoredDays = 14;
const lookedAt = 20;
const atOnce = 6;
const reach = { perSecond: 5_000, knowable: 0.96, all: 0.62, precision: 0.32 };

/**
 * Real payments in order of time, disputes as they arrive, over HTTP; each payment of the last days is judged by the tools
 * and the rule with what was known at its moment, and the highest of each day are compared with what came to be disputed.
 */
export async function investigations(config: Config): Promise<Row[]> {
  if (!existsSync(join(folder, 'transactions.csv.gz'))) {
    const measured = `not run: there is no transactions.csv.gz in ${folder} (BENCH_TRANSACTIONS names the folder)`;
    return [{ what: 'investigations', measured, beside: '', reach: '', reached: null }];
  }
  const { payments, disputes } = readFiles(folder);
  const days = [...new Set(payments.map((p) => dayOf(p.occurred_at)))];
  const scored = days.slice(-scoredDays);
  return withStack(config, async (stack) => {
    const send = sender(stack);
    const before = payments.filter((p) => dayOf(p.occurred_at) < (scored[0] ?? ''));
    const from = performance.now();
    for (let i = 0; i < before.length; i += 10_000) await send('transactions', before.slice(i, i + 10_000));
    const perSecond = before.length / ((performance.now() - from) / 1000);
    await send(
      'disputes',
      disputes.filter((d) => dayOf(d.disputed_at) < (scored[0] ?? '')),
    );
    const judged: { rule: Judged; plain: Judged }[] = [];
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
        judged.push(...(await inTurn(today, (p) => judge(source, p))));
      }
    } finally {
      await pool.end();
    }
    const labels = new Map(disputes.map((d) => [d.transaction_id, d]));
    const of = (which: 'rule' | 'plain', only?: (p: Payment) => boolean): Figures =>
      figures(judged.map((j) => j[which]), labels, lookedAt, only); // prettier-ignore
    return [
      {
        what: 'payments taken in, 10,000 a call', measured: `${perSecond.toFixed(0)} rows/s`, beside: '',
        reach: `≥ ${reach.perSecond} rows/s`, reached: perSecond >= reach.perSecond,
      },
      ...rowsOf(of('rule'), of('plain')),
      ...[0, 1].map((half) => {
        const only = (p: Payment): boolean => halfOf(p.terminal_id) === half;
        return {
          what: `the same on ${half ? 'one' : 'the other'} half of the terminals`,
          measured: said(of('rule', only)), beside: said(of('plain', only)), reach: '', reached: null,
        }; // prettier-ignore
      }),
    ]; // prettier-ignore
  });
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

/** By the rule; and by three plain ones: a large amount, how many disputes of terminal and customer are known, the amount against the mean. */
async function judge(source: PaymentHistory, payment: Payment): Promise<{ rule: Judged; plain: Judged }> {
  const { transaction_id, occurred_at, customer_id, terminal_id, amount } = payment;
  const of: Transaction = {
    transactionId: transaction_id, occurredAt: occurred_at, customerId: customer_id, terminalId: terminal_id, amount,
  }; // prettier-ignore
  const [customer_history, terminal_history] = await Promise.all([
    customerFacts(source, of),
    terminalFacts(source, of),
  ]);
  const { severity, confidence } = weigh({
    transaction: payment,
    customer_history,
    terminal_history,
    neighbours: null, // evidence for people: the rule weighs none of it
  });
  const disputes = customer_history.disputes.known + terminal_history.disputes.known;
  const disputesKnown = disputes > 0;
  const plain = (amount > 220 ? 10_000 : 0) + 100 * disputes + (customer_history.times_usual ?? 0);
  return {
    rule: { payment, disputesKnown, rank: severities.indexOf(severity) + confidence },
    plain: { payment, disputesKnown, rank: plain },
  };
}

async function inTurn<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const one = async (): Promise<void> => {
    for (let i = next++; i < items.length; i = next++) results[i] = await work(items[i] as T);
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  return results;
}

/** Terminals in two halves, by their name alone. */
const halfOf = (terminal: string): number => [...terminal].reduce((h, c) => (h * 31 + c.charCodeAt(0)) >>> 0, 7) % 2;

const said = ({ knowable, all, precision }: Figures): string =>
  `knowable ${knowable.toFixed(3)}, all ${all.toFixed(3)}, precision ${precision.toFixed(3)}`;

const rowsOf = (rule: Figures, plain: Figures): Row[] =>
  (['knowable', 'all', 'precision'] as const).map((key) => ({
    what: { knowable: 'recall of the fraud that can be known', all: 'recall of all fraud', precision: 'precision' }[
      key
    ],
    measured: `${rule[key].toFixed(3)} (${rule.counts[key === 'knowable' ? 'knowable' : key === 'all' ? 'fraud' : 'flagged']})`,
    beside: `three plain rules ${plain[key].toFixed(3)}`,
    reach: `≥ ${reach[key]}`,
    reached: rule[key] >= reach[key],
  }));

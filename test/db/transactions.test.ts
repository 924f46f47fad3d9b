import { storedTransactions } from '../../db/transactions/source';
import { viewTransactions, type ViewSource } from '../../db/transactions/view';
import { BadGateway } from '../../domain/errors';
import type { Condition, ConditionFeature } from '../../domain/transactions/conditions';
import type { Transaction, TransactionSource } from '../../domain/transactions/transaction';
import { customerFacts } from '../../domain/transactions/customer';
import { neighbourFacts } from '../../domain/transactions/neighbours';
import { timesUsual } from '../../domain/transactions/signals';
import { terminalFacts } from '../../domain/transactions/terminal';
import { before } from '../../domain/transactions/windows';
import { writeDisputes, writeTransactions } from '../../db/transactions/ingest';
import { keptIn } from '../../bench/investigations/kept';
import { openHouse, type House } from '../house';
import { until } from '../until';
import { paymentRows, random } from '../payments';

let house: House;
let view: ViewSource;
let sources: Record<'table' | 'view', TransactionSource>;
const payments: Transaction[] = paymentRows(2_000, { seed: 11, perDay: 50, customers: 40, terminals: 15 }).map((r) => ({
  transactionId: r.transaction_id, occurredAt: r.occurred_at, customerId: r.customer_id, terminalId: r.terminal_id, amount: r.amount,
})); // prettier-ignore
const chance = random(12);
const disputes = payments
  .filter(() => chance() < 0.05)
  .map((p) => ({
    transactionId: p.transactionId,
    disputedAt: new Date(Date.parse(p.occurredAt) + Math.floor((3 + 8 * chance()) * 86_400_000)).toISOString(),
  }));
const kept = keptIn(payments, new Map(disputes.map((d) => [d.transactionId, d.disputedAt])));
const asked = payments.filter((_, i) => i % 197 === 0 || i > 1_994);

const settings = (over: object = {}) => ({
  url: house.url, view: 'outside.payments', tenantId: house.tenantId, timeoutMs: 20_000, ...over,
}); // prettier-ignore
const outside = (of: string): string => `create schema if not exists outside; create or replace view outside.${of}`;

beforeAll(async () => {
  house = await openHouse();
  const { tenantId } = await house.tenant('stranger');
  for (const tenant of [house.tenantId, tenantId])
    await house.store.write(tenant, async (tx) => {
      await writeTransactions(tx, tenant === tenantId ? payments.map((p) => ({ ...p, amount: 1 })) : payments);
      await writeDisputes(tx, disputes);
    });
  await house.owner.query(`${outside('payments')} as
    select transaction_id, occurred_at, customer_id, terminal_id, amount::float8, disputed_at
    from transactions left join disputes using (tenant_id, transaction_id, customer_id, terminal_id)
    where tenant_id = '${house.tenantId}'`);
  await house.owner.query('analyze transactions; analyze disputes');
  view = viewTransactions(settings());
  sources = { table: storedTransactions((work) => house.store.read(house.tenantId, work)), view };
}, 60_000);
afterAll(async () => {
  await view.close();
  await house.close();
});

/** What the conditions look at, by the tools, from going through all payments. */
async function values(p: Transaction): Promise<Record<ConditionFeature, number>> {
  const [customer, terminal] = [await customerFacts(kept, p), await terminalFacts(kept, p)];
  return {
    amount: p.amount,
    times_usual: timesUsual({ transaction: { amount: p.amount }, customer_history: customer }),
    terminal_disputes: terminal.disputes.known,
    customer_disputes: customer.disputes.known,
  };
}
const valuesOf = new Map<string, Record<ConditionFeature, number>>();

describe.each(['table', 'view'] as const)('%s', (which) => {
  test('what is known of a payment is what going through all payments finds, at its moment', async () => {
    for (const of of asked) {
      expect(await sources[which].find(of.transactionId)).toEqual(of);
      expect(await customerFacts(sources[which], of)).toEqual(await customerFacts(kept, of));
      expect(await terminalFacts(sources[which], of)).toEqual(await terminalFacts(kept, of));
      expect(await neighbourFacts(sources[which], of)).toEqual(await neighbourFacts(kept, of));
    }
    expect(await sources[which].find('01890000-0000-7000-8000-0000000000ff')).toBeNull();
  });

  const span = { since: before(payments.at(-1)?.occurredAt ?? '', 6).since, before: '2021-05-01T00:00:00.000Z' };
  const conditions: [name: string, conditions: Condition[]][] = [
    ['amount', [{ feature: 'amount', operator: '>=', value: 60 }]],
    ['times_usual', [{ feature: 'times_usual', operator: '>=', value: 1.305 }]],
    ['terminal and customer', [
      { feature: 'terminal_disputes', operator: '>=', value: 5 },
      { feature: 'customer_disputes', operator: '>=', value: 2 },
    ]],
  ]; // prettier-ignore
  test.each(conditions)('a back-test by %s counts what the tools would have seen', async (_name, all) => {
    const looked = payments.filter((p) => p.occurredAt >= span.since);
    const isDisputed = new Set(disputes.map((d) => d.transactionId));
    const hits: Transaction[] = [];
    for (const p of looked) {
      const known = valuesOf.get(p.transactionId) ?? (await values(p));
      valuesOf.set(p.transactionId, known);
      if (all.every((c) => known[c.feature] >= c.value)) hits.push(p);
    }
    const [flagged, both] = [hits.length, hits.filter((p) => isDisputed.has(p.transactionId)).length];
    expect(flagged).toBeGreaterThan(5);
    expect(flagged).toBeLessThan(looked.length / 2);
    expect(await sources[which].backTest(all, span, { most: 10_000, withinMs: 20_000 })).toEqual({
      payments: looked.length,
      disputed: looked.filter((p) => isDisputed.has(p.transactionId)).length,
      flagged,
      flagged_disputed: both,
    });
  });
});

test.each(['table', 'view'] as const)(
  '%s: a back-test that takes too long is stopped, which is an answer; the next is as it was',
  async (which) => {
    const span = { since: '2021-01-01T00:00:00.000Z', before: '2021-06-01T00:00:00.000Z' };
    const tried = (withinMs: number) =>
      sources[which].backTest([{ feature: 'amount', operator: '>=', value: 60 }], span, { most: 100, withinMs });
    await house.owner.query('begin; lock table transactions in access exclusive mode');
    try {
      expect(await tried(100)).toBeNull();
    } finally {
      await house.owner.query('rollback');
    }
    expect(await tried(20_000)).toMatchObject({ payments: 100 });
  },
);

test("a view is only read: what writes is refused, and a tenant's table is never asked in its place", async () => {
  await house.owner.query(`create function outside.touch() returns float8 language plpgsql as
    $$ begin create table outside.touched (id int); return 1; end $$`);
  await house.owner.query(`${outside('writes')} as select gen_random_uuid() as transaction_id, now() as occurred_at,
    'c'::text as customer_id, 't'::text as terminal_id, outside.touch() as amount, null::timestamptz as disputed_at`);
  const writes = viewTransactions(settings({ view: 'outside.writes' }));
  await expect(writes.ofCustomer('c', before('2200-01-01T00:00:00Z', 100_000), 5)).rejects.toThrow(
    /read-only transaction/,
  );
  await writes.close();
  const { rows } = await house.owner.query(`select to_regclass('outside.touched') as there`);
  expect(rows).toEqual([{ there: null }]);
});

test.each([
  ['no such view', '', /cannot be read.*does not exist/],
  ['no such column', 'transaction_id, occurred_at, customer_id, terminal_id, amount', /cannot be read.*disputed_at/],
  [
    'an amount that is none',
    `transaction_id, occurred_at, customer_id, terminal_id, 'much'::text as amount, null::timestamptz as disputed_at`,
    /wrong shape: amount/,
  ],
  [
    'a time that is text',
    `transaction_id, occurred_at, customer_id, terminal_id, amount, 'soon'::text as disputed_at`,
    /cannot be read/,
  ],
])('%s is a failure of the dependency that names it', async (_what, columns, says) => {
  if (columns)
    await house.owner.query(
      `drop view if exists outside.wrong; create view outside.wrong as select ${columns} from transactions`,
    );
  else await house.owner.query('drop view if exists outside.wrong');
  const wrong = viewTransactions(settings({ view: 'outside.wrong' }));
  const failed = wrong.ofCustomer(payments[0]?.customerId ?? '', before('2021-06-01T00:00:00Z', 200), 5);
  await expect(failed).rejects.toThrow(says);
  await expect(failed).rejects.toBeInstanceOf(BadGateway);
  await wrong.close();
});

test('a view that takes too long, and a database that is away, are trouble to be tried again, not an answer', async () => {
  await house.owner.query(`${outside('slow')} as select p.* from outside.payments p, pg_sleep(5)`);
  const slow = viewTransactions(settings({ view: 'outside.slow', timeoutMs: 200 }));
  await expect(slow.find(payments[0]?.transactionId ?? '')).rejects.toThrow(/statement timeout/);
  await slow.close();
  const away = viewTransactions(settings({ url: 'postgres://nobody@127.0.0.1:1/none' }));
  await expect(away.find(payments[0]?.transactionId ?? '')).rejects.toThrow(/ECONNREFUSED/);
  await away.close();
});

test('a database that ends its connections, in a statement and between two, fails what was asked and not the process', async () => {
  await house.owner.query(`${outside('asleep')} as select p.* from outside.payments p, pg_sleep(60)`);
  const ended = viewTransactions(settings({ view: 'outside.asleep' }));
  const failed = expect(ended.find(payments[0]?.transactionId ?? '')).rejects.toThrow();
  const backends = (state: string) =>
    house.owner.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'wheelhouse' and state = $1 and datname = current_database()`,
      [state],
    );
  await until('the statement to be asked', async () => (await backends('active')).rowCount === 1);
  await failed;
  await ended.close();
  const well = viewTransactions(settings());
  expect(await well.find(payments[0]?.transactionId ?? '')).toEqual(payments[0]);
  await backends('idle');
  await until('the view to be read again', () =>
    well.find(payments[0]?.transactionId ?? '').then(
      () => true,
      () => false,
    ),
  );
  await well.close();
});

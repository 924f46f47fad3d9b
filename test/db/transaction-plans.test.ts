import { storedTransactions } from '../../db/transactions/source';
import type { Read } from '../../db/read';
import { customerFacts } from '../../domain/transactions/customer';
import { neighbourFacts } from '../../domain/transactions/neighbours';
import { terminalFacts } from '../../domain/transactions/terminal';
import type { Transaction, TransactionSource } from '../../domain/transactions/transaction';
import { looks } from '../../domain/transactions/windows';
import { openHouse, type House } from '../house';
import { asApplication, explaining } from './explaining';

// What a tool looks at is bounded by its look, however many payments there are: with row-level security and plans for any
// parameters. Some customers and terminals have very many.

const count = 40_000;
let house: House;
beforeAll(async () => {
  house = await openHouse();
  // Two thirds of all payments of one customer at one terminal, every five minutes; each twentieth is disputed.
  await house.owner.query(
    `insert into transactions select $1, gen_random_uuid(), timestamptz '2031-01-01' + n * interval '5 minutes',
       'c' || case when n % 3 > 0 then 0 else n % 500 end, 't' || case when n % 3 > 0 then 0 else n % 200 end, 10 + n % 90
     from generate_series(1, ${count}) n`,
    [house.tenantId],
  );
  await house.owner.query(
    `insert into disputes select tenant_id, transaction_id, occurred_at + interval '5 days', customer_id, terminal_id
     from transactions where amount::int % 20 = 0`,
  );
  await house.owner.query('analyze transactions; analyze disputes');
  await asApplication(house.owner, house.tenantId);
}, 60_000);
afterAll(() => house.close());

const explained = () => explaining(house.owner, house.tenantId, ['transactions', 'disputes']);
const sourceOf = (tx: Read): TransactionSource => storedTransactions((work) => work(tx));
/** One row of each table for a payment that is looked at; and where a dispute is looked for by it, as many again. */
const each = 2;

const tools: [string, (s: TransactionSource, of: Transaction) => Promise<unknown>, most: number][] = [
  ['transaction', (s, of) => s.find(of.transactionId), 1],
  ['customer_history', customerFacts, each * looks.customer.most],
  ['terminal_history', terminalFacts, each * looks.terminal.most * (1 + looks.usual.most)],
  ['neighbours', neighbourFacts, each * 2 * (looks.neighbours.most + looks.disputes.most)],
];
describe.each(tools)('%s', (_name, look, most) => {
  test.each(['busy', 'quiet'])('of a %s customer and terminal, early, in the middle and last', async (kind) => {
    const { rows } = await house.owner.query<{ id: string }>(
      `select transaction_id as id from transactions where (customer_id = 'c0') = $1 order by occurred_at`,
      [kind === 'busy'],
    );
    for (const place of [10, Math.floor(rows.length / 2), rows.length - 1]) {
      const of = await sourceOf(explained().tx).find(rows[place]?.id ?? '');
      if (!of) throw new Error('no payment');
      const seen = explained();
      await look(sourceOf(seen.tx), of);
      expect(seen.looks).toEqual([]);
      expect(seen.rows()).toBeLessThanOrEqual(most);
    }
  });
});

import { customerFacts } from '../../../domain/transactions/customer';
import { draftRule } from '../../../domain/transactions/draft';
import type { Facts } from '../../../domain/transactions/facts';
import { neighbourFacts } from '../../../domain/transactions/neighbours';
import { severityOf, weigh, type Verdict } from '../../../domain/transactions/rule';
import { terminalFacts } from '../../../domain/transactions/terminal';
import type { Transaction } from '../../../domain/transactions/transaction';
import { keptIn } from '../../../bench/investigations/kept';
import { idOf } from '../../payments';

const start = Date.parse('2031-05-01T12:00:00.000Z');
const day = (n: number): string => new Date(start + n * 86_400_000).toISOString();
const paid = (name: string, at: number, customerId: string, terminalId: string, amount: number): Transaction => ({
  transactionId: idOf(name),
  occurredAt: day(at),
  customerId,
  terminalId,
  amount,
});
/** A customer with ordinary payments of about 40 each second day, at terminals of their own. */
const habit = (customer: string, days = 40): Transaction[] =>
  Array.from({ length: days / 2 }, (_, i) =>
    paid(`${customer} ${i}`, -2 * i - 1, customer, `${customer}'s shop`, 36 + (i % 5) * 2),
  );

async function factsOf(of: Transaction, others: Transaction[], disputes: Record<string, number> = {}): Promise<Facts> {
  const source = keptIn([...others, of], new Map(Object.entries(disputes).map(([name, at]) => [idOf(name), day(at)])));
  return {
    transaction: {
      transaction_id: of.transactionId,
      occurred_at: of.occurredAt,
      customer_id: of.customerId,
      terminal_id: of.terminalId,
      amount: of.amount,
    },
    customer_history: await customerFacts(source, of),
    terminal_history: await terminalFacts(source, of),
    neighbours: await neighbourFacts(source, of),
  };
}
const judged = async (...known: Parameters<typeof factsOf>): Promise<Verdict> => weigh(await factsOf(...known));
const kinds = (v: Verdict): string[] => v.insights.map((i) => i.kind);

test('an ordinary payment of a known customer is LOW, with nothing to say', async () => {
  const v = await judged(paid('now', 0, 'ada', "ada's shop", 41), habit('ada'));
  expect(v).toEqual({ severity: 'LOW', confidence: expect.any(Number), inconclusive: false, insights: [] });
  expect(v.confidence).toBeLessThan(0.01);
});

test('of a customer who is not known nobody is told what they usually pay', async () => {
  const said = async (...known: Parameters<typeof factsOf>) =>
    (await judged(...known)).insights.find((i) => i.kind === 'unusual_amount')?.summary;
  const now = paid('now', 0, 'new', 'new shop', 900);
  expect(await said(now, [])).toBe(
    'The amount is 18 times what is usual; of this customer no earlier payments are known.',
  );
  expect(await said(now, [paid('before', -1, 'new', 'new shop', 50)])).toContain('1 earlier payment is known');
  expect(await said(paid('now', 0, 'ada', "ada's shop", 400), habit('ada'))).toContain(
    'what this customer usually pays',
  );
});

test('a payment of whom and where nothing is known is inconclusive, unless it stands out by itself', async () => {
  expect(await judged(paid('now', 0, 'new', 'new shop', 41), habit('ada'))).toMatchObject({
    severity: 'LOW',
    inconclusive: true,
  });
  expect(await judged(paid('now', 0, 'new', 'new shop', 900), [])).toMatchObject({
    severity: 'CRITICAL',
    inconclusive: false,
  });
});

test('the more an amount is above the usual, the more severe; what was disputed is no habit', async () => {
  const at = (amount: number) => judged(paid('now', 0, 'ada', 'shop', amount), habit('ada'));
  const verdicts = [await at(60), await at(120), await at(150), await at(190), await at(230)];
  const sizes = verdicts.map((v) => v.confidence);
  expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
  expect(verdicts.map((v) => v.severity)).toEqual(['LOW', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL']);
  expect(kinds(verdicts[4] as Verdict)).toEqual(['large_amount', 'unusual_amount']);
  const stolen = Array.from({ length: 20 }, (_, i) => paid(`stolen ${i}`, -1 - i / 10, 'ada', 'shop', 200));
  const disputed = Object.fromEntries(stolen.map((_, i) => [`stolen ${i}`, -0.5]));
  expect((await judged(paid('now', 0, 'ada', 'far', 200), [...habit('ada'), ...stolen], disputed)).severity).toBe(
    'CRITICAL',
  );
});

const atShop = ['bea', 'cid', 'dan'].map((c, i) => paid(`at shop ${i}`, -12 + i, c, 'shop', 39));
const others = [...habit('ada'), ...habit('bea'), ...habit('cid'), ...habit('dan')];

test('a terminal whose last payments were all disputed makes an ordinary payment CRITICAL; a dispute counts from its day on', async () => {
  const now = paid('now', 0, 'ada', 'shop', 40);
  const known = { 'at shop 0': -5, 'at shop 1': -4, 'at shop 2': -3 };
  const v = await judged(now, [...others, ...atShop], known);
  expect([v.severity, kinds(v)]).toEqual(['CRITICAL', ['terminal_episode']]);
  expect(v.insights[0]?.evidence).toEqual([
    { tool: 'terminal_history', path: 'episode' },
    { tool: 'terminal_history', path: 'disputes' },
  ]);
  const later = { 'at shop 0': 0.01, 'at shop 1': 1, 'at shop 2': 2 };
  expect(await judged(now, [...others, ...atShop], later)).toMatchObject({ severity: 'LOW', insights: [] });
});

test('a payment that is old enough to be disputed, and is not, ends the run; four weeks end it too', async () => {
  const now = paid('now', 0, 'ada', 'shop', 40);
  const known = { 'at shop 0': -5, 'at shop 1': -4, 'at shop 2': -3 };
  const honest = paid('honest', -8, 'bea', 'shop', 41);
  expect(kinds(await judged(now, [...others, ...atShop, honest], known))).toEqual([]);
  const young = paid('young', -6, 'bea', 'shop', 41);
  expect(kinds(await judged(now, [...others, ...atShop, young], known))).toEqual(['terminal_episode']);
  expect(kinds(await judged(paid('now', 20, 'ada', 'shop', 40), [...others, ...atShop], known))).toEqual([]);
});

test('a run that one card explains says little of the terminal: a large amount, one far above the usual, one customer', async () => {
  const now = paid('now', 0, 'ada', 'shop', 40);
  const weightOf = async (...run: [customer: string, amount: number][]) => {
    const payments = run.map(([customer, amount], i) => paid(`run ${i}`, -9 + i / 10, customer, 'shop', amount));
    const disputed = Object.fromEntries(run.map((_, i) => [`run ${i}`, -2 + i / 10]));
    const v = await judged(now, [...others, ...payments], disputed);
    expect(kinds(v)).toEqual(['terminal_episode']);
    return v.insights[0]?.weight;
  };
  expect(await weightOf(['bea', 39])).toBe(5.5);
  expect(await weightOf(['bea', 85])).toBe(1);
  expect(await weightOf(['new here', 101])).toBe(1);
  expect(await weightOf(['new here', 99])).toBe(5.5);
  expect(await weightOf(['new here', 240])).toBe(1);
  expect(await weightOf(['bea', 39], ['bea', 41])).toBe(5.5);
  expect(await weightOf(['bea', 85], ['cid', 90])).toBe(3);
  expect(await weightOf(['bea', 85], ['cid', 41])).toBe(9);
});

test('disputes at a terminal whose run has ended: of one customer a little, of two enough to be MEDIUM', async () => {
  const now = paid('now', 0, 'ada', 'shop', 40);
  const lost = ['bea', 'cid'].map((c, i) => paid(`lost ${i}`, -20 + 4 * i, c, 'shop', 120));
  const honest = [paid('honest 0', -18, 'dan', 'shop', 41), paid('honest 1', -10, 'dan', 'shop', 41)];
  const one = await judged(now, [...others, ...lost, ...honest], { 'lost 0': -13 });
  expect([one.severity, kinds(one)]).toEqual(['LOW', ['terminal_disputes']]);
  const two = await judged(now, [...others, ...lost, ...honest], { 'lost 0': -13, 'lost 1': -9 });
  expect([two.severity, kinds(two)]).toEqual(['MEDIUM', ['terminal_disputes']]);
});

test('disputes of the customer weigh more when this payment is above their usual as well', async () => {
  const lost = paid('lost', -9, 'ada', 'far', 190);
  const at = (amount: number) =>
    judged(paid('now', 0, 'ada', "ada's shop", amount), [...habit('ada'), lost], { lost: -2 });
  const [usual, above] = [await at(40), await at(90)];
  expect([kinds(usual), kinds(above)]).toEqual([['customer_disputes'], ['customer_disputes', 'unusual_amount']]);
  expect(above.confidence).toBeGreaterThan(usual.confidence * 3);
});

test('the steps of severity', () => {
  expect([0, 0.049, 0.05, 0.35, 0.8, 1].map(severityOf)).toEqual([
    'LOW',
    'LOW',
    'MEDIUM',
    'HIGH',
    'CRITICAL',
    'CRITICAL',
  ]);
});

test('a rule is drafted from as few signals as make the payment HIGH, with thresholds that it passes', async () => {
  const drafted = async (...known: Parameters<typeof factsOf>) => {
    const facts = await factsOf(...known);
    return draftRule(facts, weigh(facts))?.conditions.map((c) => [c.feature, c.operator, c.value]) ?? null;
  };
  const lost = paid('lost', -9, 'ada', 'far', 190);
  const known = { 'at shop 0': -5, 'at shop 1': -4, 'at shop 2': -3 };
  expect(await drafted(paid('now', 0, 'ada', 'shop', 260), habit('ada'))).toEqual([['amount', '>=', 220]]);
  expect(await drafted(paid('now', 0, 'ada', 'shop', 40), [...others, ...atShop], known)).toEqual([
    ['terminal_disputes', '>=', 2],
  ]);
  expect(await drafted(paid('now', 0, 'ada', 'far off', 130), [...habit('ada'), lost], { lost: -2 })).toEqual([
    ['times_usual', '>=', 3],
    ['customer_disputes', '>=', 1],
  ]);
  expect(await drafted(paid('now', 0, 'ada', 'shop', 40), habit('ada'))).toBeNull();
});

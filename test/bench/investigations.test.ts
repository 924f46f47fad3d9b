import type { Payment } from '../../bench/investigations/files';
import { countedWeights, halfOf, knownAt } from '../../bench/investigations/halves';
import type { Judged } from '../../bench/investigations/judge';
import { counts, truthOf } from '../../bench/investigations/recall';

const day = (n: number): string => new Date(Date.UTC(2031, 2, 1) + n * 86_400_000).toISOString();
const paid = (id: string, at: number, customer_id: string, terminal_id: string): Payment => ({
  transaction_id: id, occurred_at: day(at), customer_id, terminal_id, amount: 40,
}); // prettier-ignore
const judged = (payment: Payment, rule = 0, seen: string[] = [], disputesKnown = false): Judged => ({
  payment, rank: { rule, plain: 0 }, seen, disputesKnown,
}); // prettier-ignore
const label = (transaction_id: string, at: number, scenario: number) => ({
  transaction_id,
  disputed_at: day(at),
  scenario,
});

test('fraud can be known once a dispute of that compromise, or of that leak, was known; an older one of another kind is none', () => {
  const payments = [
    paid('leak elsewhere', 0, 'ada', 'shop'), paid('first', 20, 'bea', 'shop'), paid('second', 28, 'cid', 'shop'),
    paid('leak again', 8, 'ada', 'far'), paid('ada at the shop', 30, 'ada', 'shop'), paid('large', 1, 'dan', 'far'),
  ]; // prettier-ignore
  const labels = [
    label('leak elsewhere', 7, 3), label('first', 27, 2), label('second', 35, 2),
    label('leak again', 15, 3), label('large', 8, 1),
  ]; // prettier-ignore
  const truth = truthOf(payments, labels);
  expect(payments.filter((p) => truth.knowable(p)).map((p) => p.transaction_id)).toEqual([
    'second',
    'leak again',
    'large',
  ]);
  expect(payments.filter((p) => !truth.fraud(p)).map((p) => p.transaction_id)).toEqual(['ada at the shop']);
  const all = payments.map((p) => judged(p, p.transaction_id === 'first' ? 1 : 0, [], p.transaction_id === 'first'));
  const c = counts(
    all,
    (j) => j.rank.rule,
    truth,
    () => 1,
  );
  expect(c).toEqual({ knowable: [3, 3], anyDispute: [4, 4], all: [5, 5], precision: [5, 6], ceiling: [5, 6] });
});

test('of each day those that rank highest are looked at, and no more of them can be fraud than are', () => {
  const today = ['a', 'b', 'c', 'd'].map((id, i) => judged(paid(id, 0.1 * i, id, 'shop'), i));
  const truth = truthOf(today.map((j) => j.payment), ['a', 'c', 'd'].map((id) => label(id, 7, 1))); // prettier-ignore
  const c = counts(
    today,
    (j) => j.rank.rule,
    truth,
    (payments) => payments / 2,
  );
  expect(c).toMatchObject({ knowable: [2, 3], all: [2, 3], precision: [2, 2], ceiling: [2, 2] });
});

test('weights are counted from disputes that were known; what is younger than the slowest of them counts neither way', () => {
  const old = Array.from({ length: 40 }, (_, i) =>
    judged(paid(`old ${i}`, 1, 'ada', 'shop'), 0, i < 20 ? ['odd 1'] : []),
  );
  const young = Array.from({ length: 20 }, (_, i) => judged(paid(`young ${i}`, 15, 'ada', 'shop'), 0, ['new 1']));
  const labels = [
    ...old.slice(0, 10).map((j) => label(j.payment.transaction_id, 8, 2)),
    ...young.map((j) => label(j.payment.transaction_id, 22, 2)),
  ]; // prettier-ignore
  const disputed = knownAt(day(20), labels, [...old, ...young]);
  expect([old[0], old[39], young[0]].map((j) => j && disputed(j))).toEqual([true, false, null]);
  const weight = countedWeights([...old, ...young], disputed);
  const of = (...seen: string[]): number => weight(judged(paid('now', 20, 'ada', 'shop'), 0, seen));
  expect(of()).toBe(0);
  expect(of('odd 1')).toBeGreaterThan(3);
  expect(of('new 1')).toBe(0);
});

test('terminals are parted by name and seed, about in two', () => {
  const names = Array.from({ length: 1_000 }, (_, i) => `t${i}`);
  const first = names.filter((t) => halfOf(t, 1) === 0);
  expect(Math.abs(first.length - 500)).toBeLessThan(60);
  expect(first.filter((t) => halfOf(t, 2) === 0).length).toBeLessThan(330);
});

import { customerFacts } from '../../domain/transactions/customer';
import { severities, weigh } from '../../domain/transactions/rule';
import { terminalFacts } from '../../domain/transactions/terminal';
import type { PaymentHistory, Transaction } from '../../domain/transactions/transaction';
import { daysBetween } from '../../domain/transactions/windows';
import type { Payment } from './files';

/** A payment as it was judged at its moment. */
export interface Judged {
  payment: Payment;
  /**
   * Higher is looked at first: by the rule, and by three plain ones: a large amount, disputes of terminal and customer in the
   * last two weeks (each as much as twice the mean), the amount against the customer's mean.
   */
  rank: { rule: number; plain: number };
  /** What the rule saw: each signal with its weight, rounded down. */
  seen: string[];
  /** Some dispute of the terminal or of the customer was known, whatever it was about. */
  disputesKnown: boolean;
}

export const transactionOf = (p: Payment): Transaction => ({
  transactionId: p.transaction_id,
  occurredAt: p.occurred_at,
  customerId: p.customer_id,
  terminalId: p.terminal_id,
  amount: p.amount,
});

/** With what is known before its moment, and nothing else. */
export async function judge(source: PaymentHistory, payment: Payment): Promise<Judged> {
  const of = transactionOf(payment);
  const [customer_history, terminal_history] = await Promise.all([
    customerFacts(source, of),
    terminalFacts(source, of),
  ]);
  const { severity, confidence, insights } = weigh({
    transaction: payment,
    customer_history,
    terminal_history,
    neighbours: null, // evidence for people: the rule weighs none of it
  });
  const all = [...customer_history.disputes.newest, ...terminal_history.disputes.newest];
  const lately = all.filter((d) => daysBetween(d.disputed_at, of.occurredAt) <= 14).length;
  return {
    payment,
    rank: {
      rule: severities.indexOf(severity) + confidence,
      plain: (payment.amount > 220 ? 10_000 : 0) + 2 * lately + (customer_history.times_usual ?? 1),
    },
    seen: insights.map((i) => `${i.kind} ${Math.floor(i.weight)}`),
    disputesKnown: all.length > 0,
  };
}

/** Each in its place; some at a time. */
export async function judgeAll(source: PaymentHistory, payments: readonly Payment[], atOnce = 6): Promise<Judged[]> {
  const judged: Judged[] = [];
  let next = 0;
  const one = async (): Promise<void> => {
    for (let i = next++; i < payments.length; i = next++) judged[i] = await judge(source, payments[i] as Payment);
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  return judged;
}

import { usualAmount } from './amounts';
import { disputedPayments } from './disputed';
import type { CustomerFacts } from './facts';
import type { SeenTransaction, Transaction, PaymentHistory } from './transaction';
import { before, dayMs, hourMs, looks, rounded } from './windows';

/** The customer's own history before a payment. */
export async function customerFacts(source: PaymentHistory, of: Transaction): Promise<CustomerFacts> {
  const { days, most } = looks.customer;
  const earlier = await source.ofCustomer(of.customerId, before(of.occurredAt, days), most);
  return summary(of, earlier);
}

function summary(of: Transaction, earlier: readonly SeenTransaction[]): CustomerFacts {
  const at = Date.parse(of.occurredAt);
  const within = (ms: number): number => earlier.filter((e) => Date.parse(e.occurredAt) > at - ms).length;
  const usual = usualAmount(earlier);
  const first = earlier.at(-1);
  const weeks = first ? Math.max(1, (at - Date.parse(first.occurredAt)) / (7 * dayMs)) : 1;
  const disputed = earlier.filter((e) => e.disputedAt !== null);
  return {
    transaction_id: of.transactionId,
    customer_id: of.customerId,
    payments: earlier.length,
    days: looks.customer.days,
    usual,
    times_usual: usual && usual.mean > 0 ? rounded(of.amount / usual.mean) : null,
    largest_so_far: usual !== null && of.amount > usual.largest,
    velocity: {
      last_hour: within(hourMs),
      last_day: within(dayMs),
      last_week: within(7 * dayMs),
      per_week_usually: rounded(earlier.length / weeks),
    },
    new_terminal: !earlier.some((e) => e.terminalId === of.terminalId),
    disputes: {
      known: disputed.length,
      in_last_14_days: disputed.filter((e) => Date.parse(e.occurredAt) > at - 14 * dayMs).length,
      newest: disputedPayments(disputed, new Map(usual ? [[of.customerId, usual.mean]] : [])),
    },
  };
}

import { timesUsual } from './amounts';
import type { DisputedPayment } from './facts';
import type { SeenTransaction } from './transaction';

const shown = 10;

/** Those that were disputed, as evidence; the newest disputes, ten at most. */
export const disputedPayments = (
  payments: readonly SeenTransaction[],
  means: ReadonlyMap<string, number>,
): DisputedPayment[] =>
  payments
    .flatMap((p) => (p.disputedAt === null ? [] : [{ ...p, disputedAt: p.disputedAt }]))
    .sort((a, b) => (a.disputedAt < b.disputedAt ? 1 : -1))
    .slice(0, shown)
    .map((p) => ({
      transaction_id: p.transactionId,
      customer_id: p.customerId,
      terminal_id: p.terminalId,
      amount: p.amount,
      times_usual: timesUsual(p, means.get(p.customerId)),
      occurred_at: p.occurredAt,
      disputed_at: p.disputedAt,
    }));

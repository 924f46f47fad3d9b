import type { PaymentHistory, SeenTransaction, Span, Transaction } from '../../../domain/transactions/transaction';

/** Payments in a list, looked up by going through all of it: what the databases' answers are compared with. */
export function keptIn(payments: readonly Transaction[], disputedAt: ReadonlyMap<string, string>): PaymentHistory {
  const newestFirst = [...payments].sort(
    (a, b) => Date.parse(b.occurredAt) - Date.parse(a.occurredAt) || (a.transactionId < b.transactionId ? 1 : -1),
  );
  const seen = (p: Transaction, { before }: Span): SeenTransaction => {
    const at = disputedAt.get(p.transactionId);
    return { ...p, disputedAt: at !== undefined && at <= before ? at : null };
  };
  const within = (fits: (p: Transaction) => boolean, span: Span, most: number): SeenTransaction[] =>
    newestFirst
      .filter((p) => fits(p) && p.occurredAt >= span.since && p.occurredAt < span.before)
      .slice(0, most)
      .map((p) => seen(p, span));
  return {
    find: (id) => Promise.resolve(payments.find((p) => p.transactionId === id) ?? null),
    ofCustomer: (id, span, most) => Promise.resolve(within((p) => p.customerId === id, span, most)),
    ofTerminal: (id, span, most) => Promise.resolve(within((p) => p.terminalId === id, span, most)),
    disputed: (of, span, most) =>
      Promise.resolve(
        newestFirst
          .filter((p) =>
            'customers' in of ? of.customers.includes(p.customerId) : of.terminals.includes(p.terminalId),
          )
          .map((p) => seen(p, span))
          .filter((p) => p.disputedAt !== null && p.disputedAt >= span.since)
          .sort((a, b) =>
            a.disputedAt === b.disputedAt
              ? a.transactionId < b.transactionId
                ? 1
                : -1
              : (a.disputedAt ?? '') < (b.disputedAt ?? '')
                ? 1
                : -1,
          ) // prettier-ignore
          .slice(0, most),
      ),
    usual: (customers, span, most) =>
      Promise.resolve(
        customers.flatMap((customerId) => {
          const of = newestFirst
            .filter((p) => p.customerId === customerId && p.occurredAt >= span.since && p.occurredAt < span.before)
            .filter((p) => seen(p, span).disputedAt === null)
            .slice(0, most);
          if (!of.length) return [];
          return [{ customerId, payments: of.length, mean: of.reduce((sum, p) => sum + p.amount, 0) / of.length }];
        }),
      ),
  };
}

import type { PaymentHistory, SeenTransaction, Span, Transaction } from '../../domain/transactions/transaction';

const newestFirst = (a: Transaction, b: Transaction): number =>
  Date.parse(b.occurredAt) - Date.parse(a.occurredAt) || (a.transactionId < b.transactionId ? 1 : -1);
const newestDisputeFirst = (a: SeenTransaction, b: SeenTransaction): number => {
  const [x, y] = [a.disputedAt ?? '', b.disputedAt ?? ''];
  if (x !== y) return x < y ? 1 : -1;
  return a.transactionId < b.transactionId ? 1 : -1;
};

function groupedBy(payments: readonly Transaction[], key: 'customerId' | 'terminalId') {
  const groups = new Map<string, Transaction[]>();
  for (const p of payments) {
    const group = groups.get(p[key]);
    if (group) group.push(p);
    else groups.set(p[key], [p]);
  }
  return (id: string): readonly Transaction[] => groups.get(id) ?? [];
}

/** Payments in lists, looked up by going through all of a customer or terminal: what databases' answers are compared with. */
export function keptIn(payments: readonly Transaction[], disputedAt: ReadonlyMap<string, string>): PaymentHistory {
  const inOrder = [...payments].sort(newestFirst);
  const [ofCustomer, ofTerminal] = [groupedBy(inOrder, 'customerId'), groupedBy(inOrder, 'terminalId')];
  const seen = (p: Transaction, { before }: Span): SeenTransaction => {
    const at = disputedAt.get(p.transactionId);
    return { ...p, disputedAt: at !== undefined && at <= before ? at : null };
  };
  const within = (all: readonly Transaction[], span: Span): SeenTransaction[] =>
    all.filter((p) => p.occurredAt >= span.since && p.occurredAt < span.before).map((p) => seen(p, span));
  return {
    find: (id) => Promise.resolve(payments.find((p) => p.transactionId === id) ?? null),
    ofCustomer: (id, span, most) => Promise.resolve(within(ofCustomer(id), span).slice(0, most)),
    ofTerminal: (id, span, most) => Promise.resolve(within(ofTerminal(id), span).slice(0, most)),
    disputed: (of, span, most) =>
      Promise.resolve(
        ('customers' in of ? of.customers.map(ofCustomer) : of.terminals.map(ofTerminal))
          .flat()
          .map((p) => seen(p, span))
          .filter((p) => p.disputedAt !== null && p.disputedAt >= span.since)
          .sort(newestDisputeFirst)
          .slice(0, most),
      ),
    usual: (customers, span, most) =>
      Promise.resolve(
        customers.flatMap((customerId) => {
          const habit = within(ofCustomer(customerId), span)
            .filter((p) => p.disputedAt === null)
            .slice(0, most);
          if (!habit.length) return [];
          return [
            { customerId, payments: habit.length, mean: habit.reduce((sum, p) => sum + p.amount, 0) / habit.length },
          ];
        }),
      ),
  };
}

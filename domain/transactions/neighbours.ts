import type { NeighbourFacts } from './facts';
import type { SeenTransaction, Transaction, PaymentHistory } from './transaction';
import { before, looks } from './windows';

/** Who else pays at the terminal, and where else the customer pays: those with disputes first, then the most frequent. */
export async function neighbourFacts(source: PaymentHistory, of: Transaction): Promise<NeighbourFacts> {
  const { days, most, listed } = looks.neighbours;
  const span = before(of.occurredAt, days);
  const [here, own] = await Promise.all([
    source.ofTerminal(of.terminalId, span, most),
    source.ofCustomer(of.customerId, span, most),
  ]);
  const customers = counted(here.filter((p) => p.customerId !== of.customerId).map((p) => p.customerId));
  const terminals = counted(own.filter((p) => p.terminalId !== of.terminalId).map((p) => p.terminalId));
  const disputes = before(of.occurredAt, looks.disputes.days);
  const [elsewhere, ofOthers] = await Promise.all([
    source.disputed({ customers: [...customers.keys()] }, disputes, most),
    source.disputed({ terminals: [...terminals.keys()] }, disputes, most),
  ]);
  const count = (all: readonly SeenTransaction[], fits: (p: SeenTransaction) => boolean): number =>
    all.filter(fits).length;
  return {
    transaction_id: of.transactionId,
    customers: [...customers]
      .map(([customer_id, payments_here]) => ({
        customer_id,
        payments_here,
        disputed_here: count(here, (p) => p.customerId === customer_id && p.disputedAt !== null),
        disputed_elsewhere: count(elsewhere, (p) => p.customerId === customer_id && p.terminalId !== of.terminalId),
      }))
      .sort((a, b) => b.disputed_here + b.disputed_elsewhere - (a.disputed_here + a.disputed_elsewhere))
      .slice(0, listed),
    terminals: [...terminals]
      .map(([terminal_id, payments_there]) => ({
        terminal_id,
        payments_there,
        disputed_of_others: count(ofOthers, (p) => p.terminalId === terminal_id && p.customerId !== of.customerId),
      }))
      .sort((a, b) => b.disputed_of_others - a.disputed_of_others)
      .slice(0, listed),
    customers_in_all: customers.size,
    terminals_in_all: terminals.size,
  };
}

/** How often each stands there, the most frequent first. */
function counted(ids: readonly string[]): Map<string, number> {
  const times = new Map<string, number>();
  for (const id of ids) times.set(id, (times.get(id) ?? 0) + 1);
  return new Map([...times].sort(([, a], [, b]) => b - a));
}

import { usualAmount } from './amounts';
import { disputedPayments } from './disputed';
import { episodeOf } from './episode';
import type { TerminalFacts } from './facts';
import type { PaymentHistory, SeenTransaction, Transaction, Usual } from './transaction';
import { before, looks, rounded } from './windows';

/** A payment is unusual from here on, against the mean of its customer. */
const farAbove = 3;
/** A customer with fewer payments has no usual yet. */
const knownWell = 3;

/** The terminal's history before a payment. */
export async function terminalFacts(source: PaymentHistory, of: Transaction): Promise<TerminalFacts> {
  const { days, most } = looks.terminal;
  const earlier = await source.ofTerminal(of.terminalId, before(of.occurredAt, days), most);
  const customers = [...new Set(earlier.map((e) => e.customerId))];
  const usual = await source.usual(customers, before(of.occurredAt, looks.usual.days), looks.usual.most);
  const known = new Map(usual.filter((u) => u.payments >= knownWell).map((u) => [u.customerId, u.mean]));
  return summary(of, earlier, customers.length, usual, known);
}

function summary(
  of: Transaction,
  earlier: readonly SeenTransaction[],
  customers: number,
  usual: readonly Usual[],
  means: ReadonlyMap<string, number>,
): TerminalFacts {
  const disputed = earlier.filter((e) => e.disputedAt !== null);
  const judged = earlier.filter((e) => means.has(e.customerId));
  const unusual = judged.filter((e) => e.amount >= farAbove * (means.get(e.customerId) ?? Infinity)).length;
  return {
    transaction_id: of.transactionId,
    terminal_id: of.terminalId,
    payments: earlier.length,
    days: looks.terminal.days,
    customers,
    usual: usualAmount(earlier),
    unusual: { of: judged.length, payments: unusual, share: judged.length ? rounded(unusual / judged.length, 3) : 0 },
    disputes: {
      known: disputed.length,
      customers: new Set(disputed.map((d) => d.customerId)).size,
      newest: disputedPayments(disputed, means),
    },
    episode: episodeOf(of, earlier, usual),
  };
}

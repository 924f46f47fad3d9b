import { drawnMean, largeAmount } from './amounts';
import type { Facts } from './facts';
import { rounded } from './windows';

/** What a signal says about a payment: a sentence, what it rests on, and what it adds to the log-odds. */
export interface Signal {
  summary: string;
  evidence: readonly { tool: keyof Facts; path: string }[];
  weight: number;
}
interface Looking {
  kind: string;
  /** Null where it says nothing. */
  look(facts: Facts): Signal | null;
}

/** A terminal that copies cards is found and mended within four weeks. */
const mended = 28;
/** From one in 400 to twenty to one: a dispute is as good as certain. */
const certain = 9;

const at = (tool: keyof Facts, path: string) => ({ tool, path });

/** What an amount is compared by. */
interface AmountFacts {
  transaction: Pick<Facts['transaction'], 'amount'>;
  customer_history: Pick<Facts['customer_history'], 'usual' | 'payments'>;
}

/** The amount against the usual, which is drawn to that of anyone while there are few payments. */
export function timesUsual({ transaction, customer_history: { usual, payments } }: AmountFacts): number {
  return transaction.amount / drawnMean(usual?.mean ?? 0, usual ? payments : 0);
}

/** With fewer payments of their own, what a customer usually pays is not known, and nobody is told that it were. */
export const ownUsual = 3;

function usualOf({ customer_history: { usual, payments } }: AmountFacts): string {
  const own = usual ? payments : 0;
  if (own >= ownUsual) return 'what this customer usually pays';
  return `what is usual; of this customer ${own || 'no'} earlier payment${own === 1 ? ' is' : 's are'} known`;
}

/** Every signal of the rule, in the order of docs/transactions.md. */
export const signals: readonly Looking[] = [
  {
    kind: 'large_amount',
    look: ({ transaction: { amount } }) =>
      amount >= largeAmount
        ? {
            summary: `The amount of ${amount} is at least ${largeAmount}, which hardly any honest payment is.`,
            evidence: [at('transaction', 'amount')],
            weight: certain,
          }
        : null,
  },
  {
    kind: 'unusual_amount',
    look: (facts) => {
      const times = timesUsual(facts);
      if (times < 2) return null;
      return {
        summary: `The amount is ${rounded(times, 1)} times ${usualOf(facts)}.`,
        evidence: [at('transaction', 'amount'), at('customer_history', 'usual')],
        weight: rounded(Math.min(7, 2 * (times - 1.5)), 3),
      };
    },
  },
  {
    kind: 'terminal_episode',
    look: ({ terminal_history: { episode } }) => {
      if (!episode || episode.undisputed_since > 0 || episode.days_since > mended) return null;
      const { disputed, customers, ordinary, days_since } = episode;
      const [several, one] = ordinary ? [certain, 5.5] : [3, 1];
      return {
        summary: `The last ${disputed} payments at this terminal that can be judged were all disputed, the first of them ${days_since} days before.`,
        evidence: [at('terminal_history', 'episode'), at('terminal_history', 'disputes')],
        weight: customers >= 2 ? several : one,
      };
    },
  },
  {
    kind: 'terminal_disputes',
    look: ({ terminal_history: { disputes, episode } }) => {
      if (!disputes.known || !episode || episode.undisputed_since === 0) return null;
      if (episode.disputed >= 3) return null;
      return {
        summary: `${disputes.known} payments of ${disputes.customers} customers at this terminal were disputed.`,
        evidence: [at('terminal_history', 'disputes')],
        weight: disputes.customers >= 2 ? 3.5 : 1,
      };
    },
  },
  {
    kind: 'customer_disputes',
    look: (facts) => {
      const { disputes } = facts.customer_history;
      if (!disputes.known) return null;
      const stands = timesUsual(facts) >= 1.5;
      return {
        summary: `${disputes.known} payments of this customer were disputed${stands ? ', and this one is above their usual as well' : ''}.`,
        evidence: [at('customer_history', 'disputes')],
        weight: !disputes.in_last_14_days ? 0.5 : stands ? 3 : 1,
      };
    },
  },
];

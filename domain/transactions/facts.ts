/**
 * What the tools find out about a payment, in the form they answer: small, JSON, and only what was known at that moment.
 * The rule (rule.ts) weighs these and nothing else.
 */

/** The tool `transaction`. */
export interface PaymentFacts {
  transaction_id: string;
  occurred_at: string;
  customer_id: string;
  terminal_id: string;
  amount: number;
}

/** A disputed payment, as evidence. */
export interface DisputedPayment {
  transaction_id: string;
  customer_id: string;
  terminal_id: string;
  amount: number;
  /** Against what its customer usually paid before; null where that is not known. */
  times_usual: number | null;
  occurred_at: string;
  disputed_at: string;
}

/** The tool `customer_history`. */
export interface CustomerFacts {
  transaction_id: string;
  customer_id: string;
  /** Payments looked at: the newest of the last `days`. */
  payments: number;
  days: number;
  usual: { mean: number; median: number; largest: number } | null;
  /** The amount against the mean; null without earlier payments. */
  times_usual: number | null;
  largest_so_far: boolean;
  velocity: { last_hour: number; last_day: number; last_week: number; per_week_usually: number };
  new_terminal: boolean;
  disputes: { known: number; in_last_14_days: number; newest: DisputedPayment[] };
}

/** The tool `terminal_history`. */
export interface TerminalFacts {
  transaction_id: string;
  terminal_id: string;
  payments: number;
  days: number;
  customers: number;
  usual: { mean: number; median: number; largest: number } | null;
  /** Of the payments whose customer is known well enough, the part that was far above that customer's usual. */
  unusual: { of: number; payments: number; share: number };
  disputes: { known: number; customers: number; newest: DisputedPayment[] };
  /** The last run of disputed payments; see docs/transactions.md. */
  episode: {
    began: string;
    days_since: number;
    disputed: number;
    /** Whose payments these are. */
    customers: number;
    /** Of these, payments that their amount does not explain: it was neither large nor far above their customer's usual. */
    ordinary: number;
    /** Payments after the run that are old enough to be disputed, and are not. */
    undisputed_since: number;
  } | null;
}

/** The tool `neighbours`. */
export interface NeighbourFacts {
  transaction_id: string;
  /** Other customers of the terminal, with what is disputed of theirs elsewhere. */
  customers: { customer_id: string; payments_here: number; disputed_here: number; disputed_elsewhere: number }[];
  /** Other terminals of the customer, with what is disputed there of others. */
  terminals: { terminal_id: string; payments_there: number; disputed_of_others: number }[];
  /** How many there are, when not all are listed. */
  customers_in_all: number;
  terminals_in_all: number;
}

export interface Facts {
  transaction: PaymentFacts;
  customer_history: CustomerFacts;
  terminal_history: TerminalFacts;
  /** Not asked for in a quick investigation. */
  neighbours: NeighbourFacts | null;
}

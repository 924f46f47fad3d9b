import type { BackTest, Condition } from './conditions';

/** A card payment, as its source tells it. */
export interface Transaction {
  transactionId: string;
  occurredAt: string;
  customerId: string;
  terminalId: string;
  /** In the currency of the source, not negative. */
  amount: number;
}

/** A payment as it looked at some moment. */
export interface SeenTransaction extends Transaction {
  /** When it was disputed; null when that was not known yet. */
  disputedAt: string | null;
}

/** A dispute, as whoever handles disputes tells it. */
export interface Dispute {
  transactionId: string;
  disputedAt: string;
}

/** What a customer usually pays. */
export interface Usual {
  customerId: string;
  payments: number;
  mean: number;
}

/** From (inclusive) and before (exclusive): ISO 8601. */
export interface Span {
  since: string;
  before: string;
}

/**
 * Where payments are looked up. Every answer is bounded in rows, newest first, and knows only what was known at the span's
 * end: payments before it, and of these the disputes up to it.
 */
export interface PaymentHistory {
  find(transactionId: string): Promise<Transaction | null>;
  ofCustomer(customerId: string, span: Span, most: number): Promise<SeenTransaction[]>;
  ofTerminal(terminalId: string, span: Span, most: number): Promise<SeenTransaction[]>;
  /** Payments of these customers or terminals that were disputed within the span, whenever they were made. */
  disputed(
    of: { customers: readonly string[] } | { terminals: readonly string[] },
    span: Span,
    most: number,
  ): Promise<SeenTransaction[]>;
  /** Of the newest payments of each within the span, `most` of each. */
  usual(customers: readonly string[], span: Span, most: number): Promise<Usual[]>;
}

/** Where a tenant's payments are. */
export interface TransactionSource extends PaymentHistory {
  /**
   * What these conditions would have flagged of the newest payments within the span, `most` of them; disputes up to now.
   * Null when it was stopped: it took longer than `withinMs`, or whoever runs the database cancelled it.
   */
  backTest(
    conditions: readonly Condition[],
    span: Span,
    limits: { most: number; withinMs: number },
  ): Promise<BackTest | null>;
}

import type { SeenTransaction, Transaction } from './transaction';
import { rounded } from './windows';

/** Hardly any honest payment is larger, whoever pays. */
export const largeAmount = 220;
/** What a customer of whom nothing is known pays, and how many payments of their own outweigh it. */
export const anyone = { mean: 50, payments: 1 };

/** What a customer usually pays, drawn to what anyone pays while they have few payments. */
export const drawnMean = (mean: number, payments: number): number =>
  (mean * payments + anyone.mean * anyone.payments) / (payments + anyone.payments);

export interface UsualAmount {
  mean: number;
  median: number;
  largest: number;
}

/**
 * What is usually paid. Disputed payments are left out: whoever pays with a stolen card does not make the owner's habits.
 * Null when nothing is left.
 */
export function usualAmount(payments: readonly SeenTransaction[]): UsualAmount | null {
  const amounts = payments.filter((p) => p.disputedAt === null).map((p) => p.amount);
  if (amounts.length === 0) return null;
  const sorted = amounts.sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 ? sorted[middle] : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
  return {
    mean: rounded(sorted.reduce((sum, a) => sum + a, 0) / sorted.length),
    median: rounded(median ?? 0),
    largest: sorted.at(-1) ?? 0,
  };
}

/** Against a mean; null without one. */
export const timesUsual = (of: Pick<Transaction, 'amount'>, mean: number | undefined): number | null =>
  mean !== undefined && mean > 0 ? rounded(of.amount / mean) : null;

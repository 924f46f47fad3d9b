import type { Span } from './transaction';

/** How far back, and at how many payments at most, each look goes. */
export const looks = {
  customer: { days: 90, most: 200 },
  terminal: { days: 60, most: 500 },
  /** For what other customers usually pay. */
  usual: { days: 90, most: 50 },
  disputes: { days: 60, most: 50 },
  neighbours: { days: 60, most: 300, listed: 20 },
} as const;

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

/** The days before a moment, without the moment. */
export const before = (at: string, days: number): Span => ({
  since: new Date(Date.parse(at) - days * dayMs).toISOString(),
  before: at,
});

export const daysBetween = (from: string, to: string): number => (Date.parse(to) - Date.parse(from)) / dayMs;

/** To the given decimals: what tools answer is read by people and models. */
export const rounded = (value: number, decimals = 2): number => Math.round(value * 10 ** decimals) / 10 ** decimals;

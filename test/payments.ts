import { createHash } from 'node:crypto';

/** Payments as a source sends them, made from a seed: the same ones every time. */
export interface PaymentRow {
  transaction_id: string;
  occurred_at: string;
  customer_id: string;
  terminal_id: string;
  amount: number;
}

/** A uuid that is the same for the same text. */
export const idOf = (text: string): string => {
  const h = createHash('sha256').update(text).digest('hex');
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-4${h.slice(13, 16)}-8${h.slice(17, 20)}-${h.slice(20, 32)}`;
};

/** Numbers from 0 up to 1, the same for the same seed. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const firstDay = Date.parse('2021-03-01T00:00:00.000Z');

/** In order of time, `perDay` a day. */
export function paymentRows(
  count: number,
  { seed = 1, perDay = 500, customers = 300, terminals = 100 } = {},
): PaymentRow[] {
  const next = random(seed);
  return Array.from({ length: count }, (_, i) => {
    const customer = Math.floor(next() * customers);
    return {
      transaction_id: idOf(`payment ${seed} ${i}`),
      occurred_at: new Date(firstDay + Math.floor((i / perDay) * 86_400_000)).toISOString(),
      customer_id: `customer-${customer}`,
      terminal_id: `terminal-${Math.floor(next() * terminals)}`,
      amount: Math.round((10 + (customer % 40)) * (0.5 + next()) * 100) / 100,
    };
  });
}

export const asLines = (rows: readonly object[]): string => rows.map((r) => JSON.stringify(r)).join('\n');

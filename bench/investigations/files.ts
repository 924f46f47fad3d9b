import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

export interface Payment {
  transaction_id: string;
  occurred_at: string;
  customer_id: string;
  terminal_id: string;
  amount: number;
}
export interface Labelled {
  transaction_id: string;
  disputed_at: string;
  /** How the fraud was made; only ever compared with, never shown to the rule. */
  scenario: number;
}

const rowsOf = (text: string): string[][] =>
  text
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(','));
const instant = (text: string): string => new Date(text).toISOString();

/** Both files in order of time. */
export function readFiles(folder: string): { payments: Payment[]; disputes: Labelled[] } {
  const packed = readFileSync(join(folder, 'transactions.csv.gz'));
  const payments = rowsOf(gunzipSync(packed).toString()).map(
    ([id = '', at = '', customer = '', terminal = '', amount]) => ({
      transaction_id: id,
      occurred_at: instant(at),
      customer_id: customer,
      terminal_id: terminal,
      amount: Number(amount),
    }),
  );
  const disputes = rowsOf(readFileSync(join(folder, 'disputes.csv'), 'utf8')).map(([id = '', at = '', scenario]) => ({
    transaction_id: id,
    disputed_at: instant(at),
    scenario: Number(scenario),
  }));
  return {
    payments: payments.sort((a, b) => (a.occurred_at < b.occurred_at ? -1 : 1)),
    disputes: disputes.sort((a, b) => (a.disputed_at < b.disputed_at ? -1 : 1)),
  };
}

export const dayOf = (at: string): string => at.slice(0, 10);

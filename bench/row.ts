import type { Config } from '../config';
import type { Form } from '../proofs/proof';

/** One line of the table: a figure beside what it is compared with, and what was to be reached. */
export interface Row {
  what: string;
  measured: string;
  /** The floor or the peer, measured in the same run; what the figure is compared with. */
  beside: string;
  reach: string;
  /** Null: shown, not judged. */
  reached: boolean | null;
}

export type Bench = (config: Config, seconds: number, form: Form) => Promise<Row[]>;

const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? NaN;

/** Of values in any order. */
export const percentile = (values: readonly number[], q: number): number =>
  quantile(
    [...values].sort((a, b) => a - b),
    q,
  );
export const median = (values: readonly number[]): number => percentile(values, 0.5);

/** A Markdown table, as bench/RESULTS.md keeps it. */
export function table(rows: readonly Row[]): string {
  const head = ['what', 'measured', 'beside', 'reach', ''];
  const cells = rows.map((r) => [
    r.what,
    r.measured,
    r.beside,
    r.reach,
    r.reached === null ? '' : r.reached ? 'yes' : '**no**',
  ]);
  const widths = head.map((h, i) => Math.max(3, h.length, ...cells.map((c) => c[i]?.length ?? 0)));
  const line = (c: readonly string[]): string => `| ${c.map((v, i) => v.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  return [line(head), `| ${widths.map((w) => '-'.repeat(w)).join(' | ')} |`, ...cells.map(line)].join('\n');
}

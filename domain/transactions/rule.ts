import type { Facts } from './facts';
import { ownUsual, signals, type Signal } from './signals';

export const severities = ['LOW', 'MEDIUM', 'HIGH', 'CRITICAL'] as const;
export type Severity = (typeof severities)[number];

export interface TransactionInsight {
  /** Which signal; see docs/transactions.md. */
  kind: string;
  severity: Severity;
  /** One sentence for people, with the figures that it rests on. */
  summary: string;
  /** The tools whose answers it rests on, and where in them. */
  evidence: readonly { tool: keyof Facts; path: string }[];
  /** What it adds to the log-odds: negative where it speaks against fraud. */
  weight: number;
}

export interface Verdict {
  severity: Severity;
  /** How likely a dispute of the payment is, 0 to 1, as the signals have it. */
  confidence: number;
  /** Too little was known of customer and terminal, and what is known does not stand out. */
  inconclusive: boolean;
  insights: TransactionInsight[];
}

/** Log-odds of a payment of which nothing stands out: one in 400. */
const base = -6;
/** From this confidence on. */
const steps: readonly [Severity, number][] = [
  ['CRITICAL', 0.8],
  ['HIGH', 0.35],
  ['MEDIUM', 0.05],
];
/** With fewer payments of the customer, and of the terminal, what is usual there is not known. */
const enough = { customer: ownUsual, terminal: 5 };

export const severityOf = (confidence: number): Severity => steps.find(([, from]) => confidence >= from)?.[0] ?? 'LOW';
const likelihood = (logOdds: number): number => 1 / (1 + Math.exp(-logOdds));

/** Of a payment whose signals add up to this weight. */
export const severityFrom = (weight: number): Severity => severityOf(likelihood(base + weight));

/** Severity, confidence and insights of a payment, from the recorded answers of the tools alone. */
export function weigh(facts: Facts): Verdict {
  const found = signals.flatMap((signal): (Signal & { kind: string })[] => {
    const said = signal.look(facts);
    return said ? [{ kind: signal.kind, ...said }] : [];
  });
  const confidence = likelihood(found.reduce((sum, s) => sum + s.weight, base));
  const severity = severityOf(confidence);
  const known =
    facts.customer_history.payments >= enough.customer || facts.terminal_history.payments >= enough.terminal;
  return {
    severity,
    confidence: Math.round(confidence * 10_000) / 10_000,
    inconclusive: !known && severity === 'LOW',
    insights: found
      .sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight))
      .map((s) => ({ ...s, severity: severityFrom(s.weight) })),
  };
}

import { createHash } from 'node:crypto';
import { daysBetween } from '../../domain/transactions/windows';
import type { Labelled } from './files';
import type { Judged } from './judge';

/** Terminals in two halves, by their name and a seed alone. */
export const halfOf = (terminal: string, seed: number): number =>
  (createHash('sha256').update(`${seed} ${terminal}`).digest()[0] ?? 0) % 2;

/**
 * Whether a payment was disputed, as it was known at a moment: null for one that is younger than the slowest dispute known
 * by then took, which may be disputed yet.
 */
export function knownAt(moment: string, labels: readonly Labelled[], all: readonly Judged[]) {
  const at = new Map(all.map((j) => [j.payment.transaction_id, j.payment.occurred_at]));
  const disputed = labels.filter((l) => l.disputed_at < moment);
  const ids = new Set(disputed.map((l) => l.transaction_id));
  const slowest = Math.max(
    ...disputed.map((l) => daysBetween(at.get(l.transaction_id) ?? l.disputed_at, l.disputed_at)),
  );
  return ({ payment }: Judged): boolean | null =>
    daysBetween(payment.occurred_at, moment) < slowest ? null : ids.has(payment.transaction_id);
}

/**
 * Weights as a customer would get them from disputes alone: of each thing that the rule sees the log-odds of a dispute, above
 * those of payments in which it sees nothing. What was seen once or never says next to nothing.
 */
export function countedWeights(
  judged: readonly Judged[],
  disputed: (j: Judged) => boolean | null,
): (j: Judged) => number {
  const times = new Map<string, { disputed: number; of: number }>();
  for (const j of judged) {
    const answer = disputed(j);
    if (answer === null) continue;
    for (const what of j.seen.length ? j.seen : ['nothing']) {
      const so = times.get(what) ?? { disputed: 0, of: 0 };
      times.set(what, { disputed: so.disputed + Number(answer), of: so.of + 1 });
    }
  }
  const quiet = times.get('nothing') ?? { disputed: 0, of: 0 };
  const usual = (quiet.disputed + 0.5) / (quiet.of + 1);
  const logOdds = (p: number): number => Math.log(p / (1 - p));
  const weightOf = (what: string): number => {
    const so = times.get(what) ?? { disputed: 0, of: 0 };
    return logOdds((so.disputed + usual) / (so.of + 1)) - logOdds(usual);
  };
  return (j) => j.seen.reduce((sum, what) => sum + weightOf(what), 0);
}

import type { TerminalFacts } from './facts';
import { drawnMean, largeAmount } from './amounts';
import type { SeenTransaction, Transaction, Usual } from './transaction';
import { daysBetween, rounded } from './windows';

/** A disputed payment this far above its customer's usual says more about the card than about the terminal. */
const explainedByCard = 2;

/**
 * The last run of disputed payments at a terminal, in which no payment stands that is old enough to be disputed and is not.
 * Old enough is what took as long as the slowest dispute known here. Null where nothing is disputed.
 */
export function episodeOf(
  of: Transaction,
  newestFirst: readonly SeenTransaction[],
  usual: readonly Usual[],
): TerminalFacts['episode'] {
  const slowest = Math.max(...newestFirst.map((p) => (p.disputedAt ? daysBetween(p.occurredAt, p.disputedAt) : 0)));
  const settled = newestFirst.filter(
    (p) => p.disputedAt !== null || daysBetween(p.occurredAt, of.occurredAt) >= slowest,
  );
  const last = settled.findIndex((p) => p.disputedAt !== null);
  if (last < 0) return null;
  const end = settled.findIndex((p, i) => i > last && p.disputedAt === null);
  const run = settled.slice(last, end < 0 ? undefined : end);
  const means = new Map(usual.map((u) => [u.customerId, drawnMean(u.mean, u.payments)]));
  const ordinary = (p: SeenTransaction): boolean =>
    p.amount < Math.min(largeAmount, explainedByCard * (means.get(p.customerId) ?? drawnMean(0, 0)));
  const began = run.at(-1)?.occurredAt ?? of.occurredAt;
  return {
    began,
    days_since: rounded(daysBetween(began, of.occurredAt), 1),
    disputed: run.length,
    customers: new Set(run.map((p) => p.customerId)).size,
    ordinary: run.filter(ordinary).length,
    undisputed_since: last,
  };
}

import type { TerminalFacts } from './facts';
import type { SeenTransaction, Transaction } from './transaction';
import { daysBetween, rounded } from './windows';

/** A disputed payment this far above its customer's usual says more about the card than about the terminal. */
const explainedByCard = 3;

/**
 * The last run of disputed payments at a terminal, in which no payment stands that is old enough to be disputed and is not.
 * Old enough is what took as long as the slowest dispute known here. Null where nothing is disputed.
 */
export function episodeOf(
  of: Transaction,
  newestFirst: readonly SeenTransaction[],
  means: ReadonlyMap<string, number>,
): TerminalFacts['episode'] {
  const slowest = Math.max(...newestFirst.map((p) => (p.disputedAt ? daysBetween(p.occurredAt, p.disputedAt) : 0)));
  const settled = newestFirst.filter(
    (p) => p.disputedAt !== null || daysBetween(p.occurredAt, of.occurredAt) >= slowest,
  );
  const last = settled.findIndex((p) => p.disputedAt !== null);
  if (last < 0) return null;
  const end = settled.findIndex((p, i) => i > last && p.disputedAt === null);
  const run = settled.slice(last, end < 0 ? undefined : end);
  const began = run.at(-1)?.occurredAt ?? of.occurredAt;
  return {
    began,
    days_since: rounded(daysBetween(began, of.occurredAt), 1),
    disputed: run.length,
    ordinary: run.filter((p) => p.amount < explainedByCard * (means.get(p.customerId) ?? Infinity)).length,
    undisputed_since: last,
  };
}

import type { Claim } from '../harness';
import type { SignalReport } from '../logs/types';
import type { Cited, FileEvidence } from './evidence';

export type Table = { title: string; columns: string[]; rows: (string | number)[][]; cites: string[] };

/** What a rule makes of one file. */
export interface Assessment {
  claims: Claim[];
  tables: Table[];
  /** Lines that are worth quoting: searches that would show them. */
  searches: string[];
}

type Answer = 'profile' | 'errors' | 'bursts' | 'sources' | 'templates';

/** A file of which these answers are there. */
export type Having<Needed extends Answer> = FileEvidence & { [A in Needed]: NonNullable<FileEvidence[A]> };

/** What a rule makes of the evidence of one file. */
export interface Rule {
  id: string;
  assess(file: FileEvidence): Assessment;
}

const has = <Needed extends Answer>(file: FileEvidence, needs: readonly Needed[]): file is Having<Needed> =>
  needs.every((need) => file[need] !== null);

/**
 * A rule says which answers it needs and what it reads off them. It is asked only when all of them are there, and says
 * nothing where the evidence does not carry it.
 */
export function rule<Needed extends Answer>(
  id: string,
  needs: readonly Needed[],
  assess: (file: Having<Needed>) => Assessment,
): Rule {
  return { id, assess: (file) => (has(file, needs) ? assess(file) : nothing) };
}

export const nothing: Assessment = { claims: [], tables: [], searches: [] };

export function signal(file: Having<'errors'>, id: string): SignalReport | null {
  return file.errors.result.signals.find((found) => found.id === id) ?? null;
}

/** How many addresses and hosts there are of this category, those that are not listed included. */
export function addressesOf(file: Having<'sources'>, id: string): number {
  return file.sources.result.categories.find((category) => category.id === id)?.addresses ?? 0;
}

export function finding(statement: string, cites: readonly string[], confidence = 0.95): Claim {
  return { statement, kind: 'finding', confidence, cites: [...new Set(cites)] };
}

export function hypothesis(statement: string, cites: readonly string[], confidence: number): Claim {
  return { statement, kind: 'hypothesis', confidence, cites: [...new Set(cites)] };
}

/**
 * How strong the evidence for an explanation is, 0..0.95: how much of what fails it covers, how much of it there is (300
 * events are as good as any more), and how many independent observations point the same way. Nothing is ever certain.
 */
export function strength(evidence: { explained: number; failing: number; events: number; support: number }): number {
  const { explained, failing, events, support } = evidence;
  const coverage = failing === 0 ? 0 : Math.min(1, explained / failing);
  const volume = Math.min(1, Math.log10(1 + events) / Math.log10(301));
  const value = 0.2 + 0.35 * coverage + 0.25 * volume + 0.15 * Math.min(1, support / 2);
  return Math.round(Math.min(0.95, value) * 100) / 100;
}

/** Below this the leading hypothesis is a possibility, not an answer. */
export const CONCLUSIVE = 0.5;

export const digests = (...cited: Cited<unknown>[]): string[] => cited.map(({ digest }) => digest);

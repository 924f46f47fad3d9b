// By whom a change is decided: an expression, and the people that its names stood for when the change was asked for.

/** What has to come together. `of` is a name of the rule's `people`; `all` and `any` are of their parts. */
export type Needs =
  { is: 'count'; n: number; of: string } | { is: 'all'; parts: Needs[] } | { is: 'any'; parts: Needs[] };

export interface Approver {
  /** Of the user or service. */
  id: string;
  name: string;
}

/** One way to come to a decision. */
export interface Way {
  /** As it was written. */
  text: string;
  needs: Needs;
}

export interface GateRule extends Way {
  /** Whom each name stood for at the request, members of a group in the order of their names. */
  people: Record<string, Approver[]>;
  /** Ids of those whose vote counts nowhere: who asked, and whom the expression leaves out. */
  without: string[];
  /** Those who have not voted are reminded, that often, that many milliseconds after the request and after one another. */
  remind: { everyMs: number; times: number } | null;
  /** From so many milliseconds after the request on this is enough as well. */
  escalate: (Way & { afterMs: number }) | null;
}

/** What one person said, once. */
export interface Vote {
  by: Approver;
  verdict: 'approve' | 'reject';
}

const isMet = (needs: Needs, people: GateRule['people'], said: ReadonlySet<string>): boolean =>
  needs.is === 'count'
    ? (people[needs.of] ?? []).filter((p) => said.has(p.id)).length >= needs.n
    : needs.is === 'all'
      ? needs.parts.every((part) => isMet(part, people, said))
      : needs.parts.some((part) => isMet(part, people, said));

/** The names that stand in it. */
export const namesIn = (needs: Needs): string[] => (needs.is === 'count' ? [needs.of] : needs.parts.flatMap(namesIn));

const waysOf = (rule: GateRule, escalated: boolean): Way[] =>
  rule.escalate && escalated ? [rule, rule.escalate] : [rule];

/** Whose vote counts, each once, in the order of the expression. */
export function approvers(rule: GateRule, escalated: boolean): Approver[] {
  const all = waysOf(rule, escalated).flatMap((way) => namesIn(way.needs).flatMap((name) => rule.people[name] ?? []));
  return [...new Map(all.map((p) => [p.id, p])).values()].filter((p) => !rule.without.includes(p.id));
}

/** A part of the expression that lacks votes. */
export interface Missing {
  need: string;
  have: number;
  /** Who could still vote for it. */
  from: string[];
}

export interface Tally {
  outcome: 'pending' | 'approved' | 'rejected';
  /** Who can vote now. */
  open: Approver[];
  /** Of the ways that stand open, part by part; whichever way is met first is enough. */
  missing: Missing[];
}

/**
 * What the votes come to. Approved: a way is met. Rejected: none can be any more, whatever those say who have not voted, and
 * counting on an escalation that is to come. A vote counts in every group that its person is in.
 */
export function tally(rule: GateRule, votes: readonly Vote[], escalated: boolean): Tally {
  const counted = votes.filter((v) => !rule.without.includes(v.by.id));
  const voted = new Set(counted.map((v) => v.by.id));
  const yes = new Set(counted.filter((v) => v.verdict === 'approve').map((v) => v.by.id));
  const open = approvers(rule, escalated).filter((p) => !voted.has(p.id));
  const ways = waysOf(rule, escalated);
  if (ways.some((way) => isMet(way.needs, rule.people, yes))) return { outcome: 'approved', open, missing: [] };
  const hoped = new Set([...yes, ...approvers(rule, true).filter((p) => !voted.has(p.id)).map((p) => p.id)]); // prettier-ignore
  const possible = waysOf(rule, true).some((way) => isMet(way.needs, rule.people, hoped));
  const missing = ways.flatMap((way) => lacking(way.needs, rule, yes, new Set(open.map((p) => p.id))));
  return { outcome: possible ? 'pending' : 'rejected', open, missing };
}

function lacking(needs: Needs, rule: GateRule, yes: ReadonlySet<string>, open: ReadonlySet<string>): Missing[] {
  if (isMet(needs, rule.people, yes)) return [];
  if (needs.is !== 'count') return needs.parts.flatMap((part) => lacking(part, rule, yes, open));
  const people = rule.people[needs.of] ?? [];
  return [
    {
      need: `${needs.n} of ${needs.of}`,
      have: people.filter((p) => yes.has(p.id)).length,
      from: people.filter((p) => open.has(p.id)).map((p) => p.name),
    },
  ];
}

/** The groups and names of the expression that somebody stands under. */
export const standsUnder = (rule: GateRule, id: string): string[] =>
  Object.entries(rule.people).flatMap(([name, people]) => (people.some((p) => p.id === id) ? [name] : []));

/** Something that happens by itself while a gate waits. */
export interface GateCall {
  kind: 'remind' | 'escalate';
  /** Which of its kind, from 1. */
  n: number;
  /** After the request. */
  afterMs: number;
}

/** In the order in which they come. */
export const callsOf = (rule: GateRule): GateCall[] =>
  [
    ...Array.from({ length: rule.remind?.times ?? 0 }, (_, i) => ({
      kind: 'remind' as const,
      n: i + 1,
      afterMs: (rule.remind?.everyMs ?? 0) * (i + 1),
    })),
    ...(rule.escalate ? [{ kind: 'escalate' as const, n: 1, afterMs: rule.escalate.afterMs }] : []),
  ].sort((a, b) => a.afterMs - b.afterMs);

import { dayOf, type Labelled, type Payment } from './files';
import type { Judged } from './judge';

/** How the fraud of payments was made, and which of it could be known. Only ever compared with: no rule and no weight sees it. */
export interface Truth {
  fraud(p: Payment): boolean;
  /** A single large amount; of a compromised terminal or a leaked card once a dispute of that compromise, or of that leak, was known. */
  knowable(p: Payment): boolean;
}

export function truthOf(payments: readonly Payment[], labels: readonly Labelled[]): Truth {
  const scenarios = new Map(labels.map((l) => [l.transaction_id, l.scenario]));
  const paid = new Map(payments.map((p) => [p.transaction_id, p]));
  const first = new Map<string, string>();
  const of = (p: Payment | undefined, scenario: number): string =>
    `${scenario} ${scenario === 2 ? p?.terminal_id : p?.customer_id}`;
  for (const l of labels) {
    const where = of(paid.get(l.transaction_id), l.scenario);
    const known = first.get(where);
    if (known === undefined || l.disputed_at < known) first.set(where, l.disputed_at);
  }
  const scenario = (p: Payment): number => scenarios.get(p.transaction_id) ?? 0;
  return {
    fraud: (p) => scenario(p) > 0,
    knowable: (p) => scenario(p) === 1 || (scenario(p) > 1 && (first.get(of(p, scenario(p))) ?? '~') <= p.occurred_at),
  };
}

/** Counts, so that those of several days, or parts, can be added up. */
export interface Counts {
  /** Of the fraud that could be known. */
  knowable: [caught: number, of: number];
  /** The same where any dispute of the terminal or the customer counts as knowing, however old and whatever it was about. */
  anyDispute: [caught: number, of: number];
  all: [caught: number, of: number];
  precision: [caught: number, of: number];
  /** What precision could be at most: of the payments looked at a day, no more than there is fraud. */
  ceiling: [fraud: number, of: number];
}

/** What those of each day that rank highest catch; `most` of so many payments are looked at. */
export function counts(
  judged: readonly Judged[],
  rank: (j: Judged) => number,
  truth: Truth,
  most: (payments: number) => number,
): Counts {
  const days = new Map<string, { j: Judged; rank: number }[]>();
  for (const j of judged) {
    const day = dayOf(j.payment.occurred_at);
    days.set(day, [...(days.get(day) ?? []), { j, rank: rank(j) }]);
  }
  return together(
    [...days.values()].map((day) => {
      const looked = most(day.length);
      const inOrder = day.sort(
        (a, b) => b.rank - a.rank || (a.j.payment.transaction_id < b.j.payment.transaction_id ? -1 : 1),
      );
      const caught = new Set(inOrder.slice(0, looked));
      const share = (of: (j: Judged) => boolean): [number, number] => {
        const those = day.filter(({ j }) => truth.fraud(j.payment) && of(j));
        return [those.filter((d) => caught.has(d)).length, those.length];
      };
      const all = share(() => true);
      return {
        knowable: share((j) => truth.knowable(j.payment)),
        anyDispute: share((j) => truth.knowable(j.payment) || j.disputesKnown),
        all,
        precision: [all[0], looked],
        ceiling: [Math.min(looked, all[1]), looked],
      };
    }),
  );
}

export const together = (parts: readonly Counts[]): Counts => {
  const sum = (key: keyof Counts): [number, number] => [
    parts.reduce((n, p) => n + p[key][0], 0),
    parts.reduce((n, p) => n + p[key][1], 0),
  ];
  return {
    knowable: sum('knowable'),
    anyDispute: sum('anyDispute'),
    all: sum('all'),
    precision: sum('precision'),
    ceiling: sum('ceiling'),
  };
};

export const share = ([part, of]: [number, number]): number => part / of;

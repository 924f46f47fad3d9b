import { dayOf, type Labelled, type Payment } from './files';

/** A payment with how it was judged, and what was known of disputes when it was made. */
export interface Judged {
  payment: Payment;
  /** Higher is looked at first. */
  rank: number;
  disputesKnown: boolean;
}

export interface Figures {
  /** Of the fraud that can be known: scenario 1; 2 and 3 once a dispute of that terminal or customer is known. */
  knowable: number;
  all: number;
  precision: number;
  counts: { knowable: number; fraud: number; flagged: number };
}

/** What the `most` of each day that rank highest catch, among the payments that `of` takes. */
export function figures(
  judged: readonly Judged[],
  labels: ReadonlyMap<string, Labelled>,
  most: number,
  of: (p: Payment) => boolean = () => true,
): Figures {
  const days = new Map<string, Judged[]>();
  for (const j of judged) {
    const day = dayOf(j.payment.occurred_at);
    days.set(day, [...(days.get(day) ?? []), j]);
  }
  const flagged = [...days.values()]
    .flatMap((day) =>
      day
        .sort((a, b) => b.rank - a.rank || (a.payment.transaction_id < b.payment.transaction_id ? -1 : 1))
        .slice(0, most),
    )
    .filter((j) => of(j.payment));
  const scenario = (j: Judged): number => labels.get(j.payment.transaction_id)?.scenario ?? 0;
  const fraud = judged.filter((j) => of(j.payment) && scenario(j) > 0);
  const knowable = fraud.filter((j) => scenario(j) === 1 || j.disputesKnown);
  const caught = new Set(flagged.filter((j) => scenario(j) > 0));
  return {
    knowable: knowable.filter((j) => caught.has(j)).length / knowable.length,
    all: caught.size / fraud.length,
    precision: caught.size / flagged.length,
    counts: { knowable: knowable.length, fraud: fraud.length, flagged: flagged.length },
  };
}

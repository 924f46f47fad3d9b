import { largeAmount } from './amounts';
import type { Condition, ConditionFeature } from './conditions';
import type { Facts } from './facts';
import { severityFrom, type Verdict } from './rule';
import { timesUsual } from './signals';

/** A rule that would have flagged a payment: all conditions together. */
export interface RuleDraft {
  name: string;
  description: string;
  conditions: Condition[];
  /** The values by feature. */
  thresholds: Partial<Record<ConditionFeature, number>>;
}

const halfDown = (value: number): number => Math.floor(value * 2) / 2;

/** The condition behind a signal, with a threshold that this payment passes. */
const conditionOf: Readonly<Record<string, (facts: Facts) => [ConditionFeature, number]>> = {
  large_amount: () => ['amount', largeAmount],
  unusual_amount: (facts) => ['times_usual', halfDown(timesUsual(facts))],
  terminal_episode: ({ terminal_history: t }) => ['terminal_disputes', Math.min(2, t.disputes.known)],
  terminal_disputes: ({ terminal_history: t }) => ['terminal_disputes', Math.min(2, t.disputes.known)],
  customer_disputes: () => ['customer_disputes', 1],
};

const said: Record<ConditionFeature, (value: number) => string> = {
  amount: (v) => `the amount is at least ${v}`,
  times_usual: (v) => `the amount is at least ${v} times what the customer usually pays`,
  terminal_disputes: (v) => `at least ${v} payments of the last weeks at the terminal are disputed`,
  customer_disputes: (v) => `at least ${v} of the customer's payments of the last weeks is disputed`,
};

/**
 * As few of the payment's signals as make it HIGH by themselves, the strongest first; all where they do not. Null when
 * nothing spoke for fraud.
 */
export function draftRule(facts: Facts, verdict: Verdict): RuleDraft | null {
  const conditions: Condition[] = [];
  let weight = 0;
  for (const insight of verdict.insights) {
    const of = conditionOf[insight.kind];
    if (!of || insight.weight <= 0) continue;
    const [feature, value] = of(facts);
    if (conditions.some((c) => c.feature === feature)) continue;
    conditions.push({ feature, operator: '>=', value });
    weight += insight.weight;
    if (severityFrom(weight) === 'HIGH' || severityFrom(weight) === 'CRITICAL') break;
  }
  if (!conditions.length) return null;
  return {
    name: conditions.map((c) => `${c.feature}_${c.value}`).join('_and_'),
    description: `Flags a payment where ${conditions.map((c) => said[c.feature](c.value)).join(', and ')}.`,
    conditions,
    thresholds: Object.fromEntries(conditions.map((c) => [c.feature, c.value])),
  };
}

/** What a condition of a drafted rule may look at: each is a figure of the tools, as of the payment's moment. */
export const conditionFeatures = ['amount', 'times_usual', 'terminal_disputes', 'customer_disputes'] as const;
export type ConditionFeature = (typeof conditionFeatures)[number];

/** Holds where the feature is at least the value. */
export interface Condition {
  feature: ConditionFeature;
  operator: '>=';
  value: number;
}

/** What a drafted rule comes to on the payments of a span. */
export interface BackTest {
  payments: number;
  disputed: number;
  flagged: number;
  /** Of the flagged. */
  flagged_disputed: number;
}

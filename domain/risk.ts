/** The parts that the risk of a call is made of, and what each counts; the numbers are the published ones. */

export const RISK_WEIGHTS = { inference: 0.35, behavior: 0.3, anomaly: 0.15, cost: 0.1, cross_agent: 0.1 } as const;

export type RiskComponent = keyof typeof RISK_WEIGHTS;
export const riskComponents = Object.keys(RISK_WEIGHTS) as [RiskComponent, ...RiskComponent[]];

export const riskLabels: Readonly<Record<RiskComponent, string>> = {
  inference: 'What the arguments say',
  behavior: "The agent's own habits",
  anomaly: 'Rate, hours and drift',
  cost: 'What it may cost',
  cross_agent: 'What agents do together',
};

/** What each component counts; together 1. */
export type RiskWeights = Readonly<Record<RiskComponent, number>>;

/** Of a tenant: what its row says (null: none), and the published ones for what it does not. */
export const weightsFrom = (row: Readonly<Record<string, number>> | null): RiskWeights => ({ ...RISK_WEIGHTS, ...row });

/** `weights` null: together they would not make 1, give or take 0.001, but `sum`. */
export function mergeWeights(
  before: RiskWeights,
  change: { readonly [C in RiskComponent]?: number | undefined },
): { weights: RiskWeights | null; sum: number } {
  const weights = Object.fromEntries(riskComponents.map((c) => [c, change[c] ?? before[c]])) as RiskWeights;
  const sum = riskComponents.reduce((total, c) => total + weights[c], 0);
  // In thousandths of thousandths: 0.35 + 0.651 is not more than 1.001 only because of how numbers are kept.
  return { weights: Math.abs(Math.round((sum - 1) * 1e6)) <= 1000 ? weights : null, sum };
}

import { RISK_WEIGHTS, riskComponents, type RiskComponent, type RiskWeights } from '../../domain/risk';
import type { Finding, Response } from './signals';

/** The risk of a call as a whole, from the signals of its stages. Numbers are those of the published decision table. */

/** Each 0..1. */
export type RiskScores = Readonly<Record<RiskComponent, number>>;

export type RiskDecision = 'allow' | 'monitor' | 'throttle' | 'escalate' | 'deny' | 'kill';

export interface RiskInfluence {
  policy: 'allow' | 'escalate' | 'deny';
  /** What the policy adds or takes; at most 0.30 either way. */
  adjustment: number;
  /** Of the signals that fired: a hard rule decides whatever the sum says. */
  responses: readonly Response[];
}

export interface CompositeRisk {
  /** 0..1 */
  risk: number;
  decision: RiskDecision;
  /** Canonical names of the components over their thresholds, and of the policy's answer. */
  findings: Finding[];
}

const order: readonly RiskDecision[] = ['allow', 'monitor', 'throttle', 'escalate', 'deny', 'kill'];
const maxAdjustment = 0.3;

/** From which score on a component is named, and as what; screening names its own findings. */
const thresholds: readonly (readonly [component: RiskComponent, threshold: number, finding: Finding])[] = [
  ['behavior', 0.6, 'anomalous_behavior_detected'],
  ['anomaly', 0.7, 'anomalous_behavior_detected'],
  ['cost', 0.5, 'autonomy_max_cost_exceeded'],
  ['cross_agent', 0.4, 'anomalous_behavior_detected'],
];

/** @param weights must sum to 1 (± 0.001); a score that is no number counts as 1: fail closed. */
export function compositeRisk(
  scores: RiskScores,
  influence: RiskInfluence,
  weights: RiskWeights = RISK_WEIGHTS,
): CompositeRisk {
  const known = new Map(riskComponents.map((c) => [c, unit(scores[c])]));
  const highest = Math.max(...known.values());
  const sum = riskComponents.reduce((total, c) => total + weights[c] * (known.get(c) ?? 1), 0);
  const adjusted = sum + Math.min(maxAdjustment, Math.max(-maxAdjustment, influence.adjustment));
  const floor = Math.max(highest >= 0.95 ? 0.95 : highest >= 0.8 ? 0.6 : 0, influence.policy === 'deny' ? 0.7 : 0);
  const risk = unit(Math.max(adjusted, floor));

  const asked = influence.responses.map((r): RiskDecision => (r === 'quarantine' ? 'kill' : r));
  const candidates: RiskDecision[] = [byRisk(risk), influence.policy, ...asked.filter((d) => d !== 'monitor')];
  const decision = candidates.reduce((a, b) => (order.indexOf(b) > order.indexOf(a) ? b : a));

  const findings = thresholds
    .filter(([c, threshold]) => (known.get(c) ?? 1) >= threshold)
    .map(([, , finding]) => finding);
  if (influence.policy === 'deny') findings.unshift('policy_deny');
  if (decision === 'escalate') findings.push('approval_required');
  return { risk, decision, findings: [...new Set(findings)] };
}

function byRisk(risk: number): RiskDecision {
  if (risk >= 0.9) return 'kill';
  if (risk >= 0.7) return 'escalate';
  if (risk >= 0.5) return 'throttle';
  return risk >= 0.3 ? 'monitor' : 'allow';
}

function unit(value: number): number {
  return Number.isNaN(value) ? 1 : Math.min(1, Math.max(0, value));
}

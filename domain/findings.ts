import type { Actor } from './principal';
import type { Condition, ConditionFeature } from './transactions/conditions';
import { severities, type Severity } from './transactions/rule';

/** Mildest first. */
export { severities, type Severity };

export const phases = ['plan', 'weigh', 'narrative'] as const;
export type Phase = (typeof phases)[number];
/** fallback: the rules, because the model was of no use; `reason` says why. */
export const deciders = ['rules', 'model', 'fallback'] as const;
export type Decider = (typeof deciders)[number];

/** What an investigation decided to do next, or to say, and by whom: with the prompt and the answer where a model was asked. */
export interface PlannerDecision {
  id: string;
  tenantId: string;
  investigationId: string;
  phase: Phase;
  decidedBy: Decider;
  reason: string;
  decision: Record<string, unknown>;
  model: string | null;
  prompt: { role: string; content: string }[] | null;
  /** As it came, cut where it is long. */
  answer: string | null;
  startedAt: string;
  durationMs: number;
}

/** A statement about a transaction. `evidence` are the executions that it rests on, never none. */
export interface Insight {
  id: string;
  tenantId: string;
  investigationId: string;
  transactionId: string;
  insightType: string;
  severity: Severity;
  summary: string;
  confidence: number;
  evidence: string[];
  generatedAt: string;
}

export const recommendationStatuses = ['OPEN', 'ACKNOWLEDGED', 'REJECTED'] as const;
export type RecommendationStatus = (typeof recommendationStatuses)[number];

/** What people are advised to do; they decide, once. */
export interface Recommendation {
  id: string;
  tenantId: string;
  investigationId: string;
  transactionId: string;
  type: string;
  priority: number;
  title: string;
  impact: string;
  severity: Severity;
  evidence: string[];
  status: RecommendationStatus;
  createdAt: string;
  decidedBy: Actor | null;
  decidedAt: string | null;
  comment: string | null;
}

/** A rule that would have caught this case, for people to take or leave. */
export interface RuleDraft {
  id: string;
  tenantId: string;
  investigationId: string;
  ruleName: string;
  ruleDescription: string;
  conditions: Condition[];
  thresholds: Partial<Record<ConditionFeature, number>>;
  /** With the back-test: how many of the stored payments it would have flagged, and how many of those were disputed. */
  metadata: Record<string, unknown>;
  createdAt: string;
}

/** Where it stands in the worklist: the most severe first, and of one severity the surest. 0 to 3999. */
export const priorityOf = (severity: Severity, confidence: number): number =>
  severities.indexOf(severity) * 1000 + Math.round(Math.min(1, Math.max(0, confidence)) * 999);

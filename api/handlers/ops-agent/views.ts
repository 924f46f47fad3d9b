import type { z } from 'zod';
import type { ExecutionRow } from '../../../db/executions';
import type { Trace } from '../../../db/traces';
import type { Insight, PlannerDecision, Recommendation, RuleDraft } from '../../../domain/findings';
import type { Report } from '../../../domain/harness';
import type { Investigation } from '../../../domain/investigation';
import { attemptId } from '../../../workflows/ids';
import type {
  DetailShape, EvidenceShape, InsightWithEvidence, RecommendationShape, RuleDraftShape, SummaryShape,
} from '../../contracts/ops-agent/investigation-shapes'; // prettier-ignore
import type { Ctx } from '../../kernel';

type Detail = z.input<typeof DetailShape>;

/** Of which workflow an investigation is, as it stands. */
export const refOf = (it: Pick<Investigation, 'tenantId' | 'id' | 'attempt'>) => ({
  kind: 'investigation' as const,
  tenantId: it.tenantId,
  id: attemptId(it.id, it.attempt),
});

export const summaryView = (it: Investigation, ticketNumber: number | null): z.input<typeof SummaryShape> => ({
  investigation_id: it.id,
  transaction_id: it.transactionId,
  ticket_id: ticketNumber,
  mode: it.mode,
  status: it.status,
  severity: it.severity,
  confidence_score: it.confidence,
  step_count: it.steps,
  started_at: it.createdAt,
  completed_at: it.finishedAt,
});

const evidenceView = (e: ExecutionRow): z.input<typeof EvidenceShape> => ({
  evidence_id: e.id,
  kind: e.tool,
  digest: e.resultDigest ?? '',
  payload: e.result,
  observed_at: e.startedAt,
});

const insightView = (i: Insight) => ({
  insight_id: i.id,
  investigation_id: i.investigationId,
  severity: i.severity,
  summary: i.summary,
  insight_type: i.insightType,
  confidence_score: i.confidence,
  generated_at: i.generatedAt,
});
export const insightWithEvidence = (i: Insight, evidence: ExecutionRow[]): z.input<typeof InsightWithEvidence> => ({
  ...insightView(i),
  evidence: evidence.map(evidenceView),
});

export const recommendationView = (r: Recommendation): z.input<typeof RecommendationShape> => ({
  recommendation_id: r.id,
  investigation_id: r.investigationId,
  transaction_id: r.transactionId,
  type: r.type,
  priority: r.priority,
  title: r.title,
  impact: r.impact,
  severity: r.severity,
  status: r.status,
  created_at: r.createdAt,
});

const decisionView = (d: PlannerDecision) => ({
  phase: d.phase,
  decided_by: d.decidedBy,
  reason: d.reason,
  decision: d.decision,
  model: d.model,
  started_at: d.startedAt,
  duration_ms: d.durationMs,
});

const executionView = (e: ExecutionRow) => ({
  execution_id: e.id,
  step: e.step,
  tool: e.tool,
  why: e.why,
  arguments: e.args,
  decision: e.decision,
  reasons: e.reasons,
  error: e.error,
  result_digest: e.resultDigest,
  started_at: e.startedAt,
  duration_ms: e.durationMs,
});

export const ruleDraftView = (d: RuleDraft): z.input<typeof RuleDraftShape> => ({
  rule_draft_id: d.id,
  investigation_id: d.investigationId,
  rule_name: d.ruleName,
  rule_description: d.ruleDescription,
  conditions: d.conditions,
  thresholds: d.thresholds,
  metadata: d.metadata,
  created_at: d.createdAt,
});

const textOr = <T>(value: unknown, otherwise: T): string | T => (typeof value === 'string' ? value : otherwise);

/** What was claimed of a ticket; a claim cites digests, the door says whose they are. */
function claimsView({ investigation: it, evidence }: Trace): Detail['claims'] {
  const { claims } = (it.conclusion ?? {}) as Partial<Report>;
  return (it.ticketId === null ? [] : (claims ?? [])).map((c) => ({
    statement: c.statement,
    kind: c.kind,
    confidence_score: c.confidence,
    evidence_ids: evidence.filter((e) => e.resultDigest !== null && c.cites.includes(e.resultDigest)).map((e) => e.id),
  }));
}

export function detailView(ctx: Ctx, trace: Trace, ticketNumber: number | null): Detail {
  const { investigation: it } = trace;
  const { summary, inconclusive, limits } = it.conclusion ?? {};
  return {
    ...summaryView(it, ticketNumber),
    attempt: it.attempt,
    summary: textOr(summary, null),
    inconclusive: typeof inconclusive === 'boolean' ? inconclusive : null,
    limits: Array.isArray(limits) ? limits.filter((l): l is string => typeof l === 'string') : [],
    error: it.error,
    insights: trace.insights.map((i) => ({ ...insightView(i), evidence_ids: i.evidence })),
    claims: claimsView(trace),
    recommendations: trace.recommendations.map((r) => ({
      ...recommendationView(r),
      evidence_ids: r.evidence,
      acknowledged_by: r.decidedBy?.name ?? null,
      acknowledged_at: r.decidedAt,
      comment: r.comment,
    })),
    evidence: trace.evidence.map(evidenceView),
    planner_decisions: trace.decisions.map(decisionView),
    tool_executions: trace.executions.map(executionView),
    rule_draft_id: trace.ruleDraft?.id ?? null,
    trace: {
      trace_id: it.id,
      url: `/api/v1/ops-agent/investigations/${it.id}/trace`,
      steps: trace.executions.length,
      model_calls: trace.decisions.filter((d) => d.prompt !== null).length,
      duration_ms: it.finishedAt === null ? null : Date.parse(it.finishedAt) - Date.parse(it.createdAt),
      workflow_url: ctx.kernel.temporal.link(refOf(it)),
    },
  };
}

import { z } from 'zod';
import { deciders, phases, recommendationStatuses, severities } from '../../../domain/findings';
import { investigationModes, investigationStatuses } from '../../../domain/investigation';
import { conditionFeatures } from '../../../domain/transactions/conditions';
import { Instant } from '../shapes';

// What several operations of this door answer with.

const severity = z.enum(severities);
const confidence = z.number().min(0).max(1);

export const SummaryShape = z.object({
  investigation_id: z.uuid(),
  transaction_id: z.uuid().nullable().describe('Null: it is about a ticket'),
  ticket_id: z.int().nullable(),
  mode: z.enum(investigationModes),
  status: z.enum(investigationStatuses),
  severity: severity.nullable().describe('Null until it is completed'),
  confidence_score: confidence.nullable(),
  step_count: z.int(),
  started_at: Instant,
  completed_at: Instant.nullable().describe('When it ended, however'),
});

export const EvidenceShape = z.object({
  evidence_id: z.uuid().describe('Of the recorded call: GET /receipts/{evidence_id} proves it'),
  kind: z.string(),
  digest: z.string().describe('sha256 over the canonical JSON (RFC 8785) of the payload'),
  payload: z.unknown(),
  observed_at: Instant,
});

const InsightBase = z.object({
  insight_id: z.uuid(),
  investigation_id: z.uuid(),
  severity,
  summary: z.string(),
  insight_type: z.string(),
  confidence_score: confidence,
  generated_at: Instant,
});
/** With the blocks it rests on. */
export const InsightWithEvidence = InsightBase.extend({ evidence: z.array(EvidenceShape) });

export const RecommendationShape = z.object({
  recommendation_id: z.uuid(),
  investigation_id: z.uuid(),
  transaction_id: z.uuid(),
  type: z.string(),
  priority: z.int().describe('The most severe and surest first: highest'),
  title: z.string(),
  impact: z.string(),
  severity,
  status: z.enum(recommendationStatuses),
  created_at: Instant,
});
export const DecidedShape = z.object({
  recommendation_id: z.uuid(),
  status: z.enum(['ACKNOWLEDGED', 'REJECTED']),
  acknowledged_by: z.string(),
  acknowledged_at: Instant,
  comment: z.string().nullable(),
});

const PlannerDecisionShape = z.object({
  phase: z.enum(phases),
  decided_by: z.enum(deciders).describe('fallback: the rules, because the model was of no use; the reason says why'),
  reason: z.string(),
  decision: z.record(z.string(), z.unknown()),
  model: z.string().nullable(),
  started_at: Instant,
  duration_ms: z.number(),
});

const ToolExecutionShape = z.object({
  execution_id: z.uuid(),
  step: z.int(),
  tool: z.string(),
  why: z.string().nullable(),
  arguments: z.record(z.string(), z.unknown()),
  decision: z.string(),
  reasons: z.array(z.object({ code: z.string(), message: z.string() })),
  error: z.string().nullable(),
  result_digest: z.string().nullable(),
  started_at: Instant,
  duration_ms: z.number(),
});

const ClaimShape = z.object({
  statement: z.string(),
  kind: z.enum(['finding', 'hypothesis']),
  confidence_score: confidence,
  evidence_ids: z.array(z.uuid()),
});

export const DetailShape = SummaryShape.extend({
  attempt: z.int().describe('1, and one more with each resume'),
  summary: z.string().nullable(),
  inconclusive: z.boolean().nullable(),
  limits: z.array(z.string()).describe('What could not be looked at, and what was dropped'),
  error: z.string().nullable(),
  insights: z.array(InsightBase.extend({ evidence_ids: z.array(z.uuid()) })),
  claims: z.array(ClaimShape).describe('Of a ticket, in place of insights'),
  recommendations: z.array(
    RecommendationShape.extend({
      evidence_ids: z.array(z.uuid()),
      acknowledged_by: z.string().nullable(),
      acknowledged_at: Instant.nullable(),
      comment: z.string().nullable(),
    }),
  ),
  evidence: z.array(EvidenceShape),
  planner_decisions: z.array(PlannerDecisionShape),
  tool_executions: z.array(ToolExecutionShape),
  rule_draft_id: z.uuid().nullable(),
  trace: z.object({
    trace_id: z.uuid(),
    url: z.string().describe('The trace page'),
    steps: z.int(),
    model_calls: z.int(),
    duration_ms: z.number().nullable(),
    workflow_url: z.string().nullable(),
  }),
});

const feature = z.enum(conditionFeatures);
export const RuleDraftShape = z.object({
  rule_draft_id: z.uuid(),
  investigation_id: z.uuid(),
  rule_name: z.string(),
  rule_description: z.string(),
  conditions: z.array(z.object({ feature, operator: z.literal('>='), value: z.number() })).describe('All together'),
  thresholds: z.partialRecord(feature, z.number()),
  metadata: z.record(z.string(), z.unknown()).describe('With the back-test on the stored history'),
  created_at: Instant,
});

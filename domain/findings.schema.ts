import { z } from 'zod';
import { ActorSchema, InstantSchema, JsonObject } from './common.schema';
import {
  deciders, phases, recommendationStatuses, severities, type Insight, type PlannerDecision, type Recommendation, type RuleDraft,
} from './findings'; // prettier-ignore
import { conditionFeatures } from './transactions/conditions';

export const PlannerDecisionSchema = z.object({
  id: z.uuid(),
  tenantId: z.uuid(),
  investigationId: z.uuid(),
  phase: z.enum(phases),
  decidedBy: z.enum(deciders),
  reason: z.string(),
  decision: JsonObject,
  model: z.string().nullable(),
  prompt: z.array(z.object({ role: z.string(), content: z.string() })).nullable(),
  answer: z.string().nullable(),
  startedAt: InstantSchema,
  durationMs: z.number(),
}) satisfies z.ZodType<PlannerDecision>;

export const InsightSchema = z.object({
  id: z.uuid(),
  tenantId: z.uuid(),
  investigationId: z.uuid(),
  transactionId: z.uuid(),
  insightType: z.string(),
  severity: z.enum(severities),
  summary: z.string(),
  confidence: z.number(),
  evidence: z.array(z.uuid()),
  generatedAt: InstantSchema,
}) satisfies z.ZodType<Insight>;

export const RecommendationSchema = z.object({
  id: z.uuid(),
  tenantId: z.uuid(),
  investigationId: z.uuid(),
  transactionId: z.uuid(),
  type: z.string(),
  priority: z.int(),
  title: z.string(),
  impact: z.string(),
  severity: z.enum(severities),
  evidence: z.array(z.uuid()),
  status: z.enum(recommendationStatuses),
  createdAt: InstantSchema,
  decidedBy: ActorSchema.nullable(),
  decidedAt: InstantSchema.nullable(),
  comment: z.string().nullable(),
}) satisfies z.ZodType<Recommendation>;

const feature = z.enum(conditionFeatures);
export const RuleDraftSchema = z.object({
  id: z.uuid(),
  tenantId: z.uuid(),
  investigationId: z.uuid(),
  ruleName: z.string(),
  ruleDescription: z.string(),
  conditions: z.array(z.object({ feature, operator: z.literal('>='), value: z.number() })),
  thresholds: z.partialRecord(feature, z.number()),
  metadata: JsonObject,
  createdAt: InstantSchema,
}) satisfies z.ZodType<RuleDraft>;

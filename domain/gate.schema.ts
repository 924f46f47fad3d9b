import { z } from 'zod';
import { gateStatuses, riskLevels, type Gate } from './gate';
import { ActorSchema, InstantSchema, JsonObject } from './common.schema';
import { GateRuleSchema } from './quorum.schema';

/** For the edges: rows and HTTP. `satisfies` keeps it and the type one thing. */
export const GateSchema = z.object({
  id: z.uuid(),
  tenantId: z.uuid(),
  number: z.int(),
  ticketId: z.uuid().nullable(),
  runId: z.uuid().nullable(),
  agentId: z.uuid().nullable(),
  accessRequestId: z.uuid().nullable(),
  action: z.string(),
  target: z.string(),
  reason: z.string().nullable(),
  command: z.string().nullable(),
  riskLevel: z.enum(riskLevels),
  approvalPolicy: JsonObject,
  digest: z.string().nullable(),
  status: z.enum(gateStatuses),
  requestedBy: ActorSchema,
  onBehalfOf: ActorSchema.nullable(),
  requestedAt: InstantSchema,
  expiresAt: InstantSchema,
  decidedBy: ActorSchema.nullable(),
  decidedLabel: z.string().nullable(),
  decidedAt: InstantSchema.nullable(),
  decisionReason: z.string().nullable(),
  completedBy: ActorSchema.nullable(),
  completedAt: InstantSchema.nullable(),
  result: z.string().nullable(),
  rule: GateRuleSchema.nullable(),
  version: z.int(),
}) satisfies z.ZodType<Gate>;

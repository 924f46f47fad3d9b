import { z } from 'zod';
import { ActorSchema, InstantSchema, JsonObject } from './common.schema';
import { severities } from './findings';
import { investigationModes, investigationStatuses, type Investigation } from './investigation';

export const InvestigationSchema = z.object({
  id: z.uuid(),
  tenantId: z.uuid(),
  ticketId: z.uuid().nullable(),
  transactionId: z.uuid().nullable(),
  agentId: z.uuid(),
  mode: z.enum(investigationModes),
  status: z.enum(investigationStatuses),
  steps: z.int(),
  attempt: z.int(),
  severity: z.enum(severities).nullable(),
  confidence: z.number().nullable(),
  conclusion: JsonObject.nullable(),
  error: z.string().nullable(),
  startedBy: ActorSchema,
  createdAt: InstantSchema,
  finishedAt: InstantSchema.nullable(),
  version: z.int(),
}) satisfies z.ZodType<Investigation>;

import { z } from 'zod';
import { agentStatuses, agentTypes, runtimes, type Agent } from './agent';
import { ActorSchema, InstantSchema, JsonObject } from './common.schema';

export const AgentSchema = z.object({
  id: z.uuid(),
  tenantId: z.uuid(),
  number: z.int(),
  name: z.string(),
  displayName: z.string().nullable(),
  description: z.string(),
  agentType: z.enum(agentTypes),
  status: z.enum(agentStatuses),
  harness: z.string(),
  model: z.string().nullable(),
  runtime: z.enum(runtimes),
  schedule: z.string().nullable(),
  timezone: z.string(),
  capabilities: z.array(z.string()),
  configuration: JsonObject,
  lastRunAt: InstantSchema.nullable(),
  lastSuccessAt: InstantSchema.nullable(),
  lastFailureAt: InstantSchema.nullable(),
  consecutiveFailures: z.int(),
  currentVersion: z.int(),
  ticketId: z.uuid().nullable(),
  scheduledBy: ActorSchema.nullable(),
  scheduledScopes: z.array(z.string()),
  createdAt: InstantSchema,
  updatedAt: InstantSchema,
  deletedAt: InstantSchema.nullable(),
}) satisfies z.ZodType<Agent>;

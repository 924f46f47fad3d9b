import { z } from 'zod';
import { notifications, ruleTypeNames, type Alert, type AlertRule } from './alert';
import { ActorSchema, InstantSchema } from './common.schema';

export const AlertRuleSchema = z.object({
  id: z.uuid(),
  tenantId: z.uuid(),
  ruleType: z.enum(ruleTypeNames),
  threshold: z.number(),
  agentName: z.string().nullable(),
  notifyChannel: z.string().nullable(),
  enabled: z.boolean(),
  createdBy: ActorSchema,
  createdAt: InstantSchema,
}) satisfies z.ZodType<AlertRule>;

export const AlertSchema = z.object({
  id: z.uuid(),
  tenantId: z.uuid(),
  ruleId: z.uuid(),
  ruleType: z.enum(ruleTypeNames),
  agentName: z.string(),
  message: z.string(),
  runIds: z.array(z.uuid()),
  firedAt: InstantSchema,
  endedAt: InstantSchema.nullable(),
  acknowledgedAt: InstantSchema.nullable(),
  acknowledgedBy: z.string().nullable(),
  acknowledgedActor: ActorSchema.nullable(),
  notification: z.enum(notifications).nullable(),
  notifyAttempts: z.int(),
  notifyError: z.string().nullable(),
  notifiedAt: InstantSchema.nullable(),
}) satisfies z.ZodType<Alert>;

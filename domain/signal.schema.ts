import { z } from 'zod';
import { InstantSchema } from './common.schema';
import { signalStatuses, type Signal } from './signal';

export const SignalSchema = z.object({
  id: z.uuid(),
  tenantId: z.uuid(),
  forAgent: z.string(),
  createdBy: z.string(),
  signal: z.string(),
  detail: z.unknown(),
  status: z.enum(signalStatuses),
  expiresAt: InstantSchema.nullable(),
  createdAt: InstantSchema,
  actionedBy: z.string().nullable(),
  actionedAt: InstantSchema.nullable(),
  result: z.unknown(),
}) satisfies z.ZodType<Signal>;

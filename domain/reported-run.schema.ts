import { z } from 'zod';
import { InstantSchema } from './common.schema';
import { outcomes, type ReportedRun } from './reported-run';

export const ReportedRunSchema = z.object({
  id: z.uuid(),
  tenantId: z.uuid(),
  eveId: z.string().nullable(),
  agentName: z.string(),
  taskType: z.string().nullable(),
  status: z.enum(outcomes),
  model: z.string().nullable(),
  durationMs: z.int().nullable(),
  outputSummary: z.string().nullable(),
  errorMessage: z.string().nullable(),
  startedAt: InstantSchema.nullable(),
  completedAt: InstantSchema.nullable(),
  listedAt: InstantSchema,
  version: z.int(),
}) satisfies z.ZodType<ReportedRun>;

import { z } from 'zod';
import { ActorSchema, InstantSchema } from './common.schema';
import { RunRuntimeSchema } from './runtime.schema';
import { runStatuses, taskTypes, triggerKinds, type Run } from './run';

export const RunSchema = z.object({
  id: z.uuid(),
  tenantId: z.uuid(),
  number: z.int(),
  taskNumber: z.int(),
  agentId: z.uuid(),
  ticketId: z.uuid(),
  taskType: z.enum(taskTypes),
  harness: z.string(),
  model: z.string().nullable(),
  profileId: z.string().nullable(),
  runtime: RunRuntimeSchema.nullable(),
  prompt: z.string().nullable(),
  scopes: z.array(z.string()),
  triggerKind: z.enum(triggerKinds).nullable(),
  definitionVersion: z.int().nullable(),
  status: z.enum(runStatuses),
  progress: z.int(),
  steps: z.int(),
  spawnedBy: ActorSchema,
  result: z.string().nullable(),
  error: z.string().nullable(),
  createdAt: InstantSchema,
  startedAt: InstantSchema.nullable(),
  finishedAt: InstantSchema.nullable(),
  version: z.int(),
}) satisfies z.ZodType<Run>;

import { z } from 'zod';
import { ActorSchema, InstantSchema, JsonObject } from './common.schema';
import { pipelineStatuses, stepStatuses, type Pipeline, type StepPlan, type StepTask } from './pipeline';
import { taskPriorities } from './task-order';

const text = z.string().nullable();

export const StepTaskSchema = z.object({
  agentType: z.string(),
  payload: JsonObject,
  retries: z.int().nullable(),
  timeoutSeconds: z.number().nullable(),
}) satisfies z.ZodType<StepTask>;

export const StepPlanSchema = z.object({
  name: z.string(),
  prompt: z.string(),
  order: z.int(),
  agent: text,
  retries: z.int(),
  timeoutSeconds: z.number().nullable(),
  task: StepTaskSchema.optional(),
}) satisfies z.ZodType<StepPlan>;

export const PipelineSchema = z.object({
  id: z.uuid(),
  tenantId: z.uuid(),
  number: z.int(),
  name: z.string(),
  blueprintId: z.uuid().nullable(),
  blueprintVersion: z.int().nullable(),
  definitionId: z.uuid().nullable(),
  parameters: JsonObject.nullable(),
  priority: z.enum(taskPriorities).nullable(),
  ticketId: z.uuid().nullable(),
  carriedOutBy: z.enum(['runs', 'reported']),
  runId: z.uuid().nullable(),
  status: z.enum(pipelineStatuses),
  steps: z.array(
    StepPlanSchema.extend({
      status: z.enum(stepStatuses),
      attempts: z.int(),
      runIds: z.array(z.uuid()),
      result: text,
      error: text,
    }),
  ),
  scopes: z.array(z.string()),
  startedBy: ActorSchema,
  result: text,
  error: text,
  createdAt: InstantSchema,
  startedAt: InstantSchema.nullable(),
  finishedAt: InstantSchema.nullable(),
  version: z.int(),
}) satisfies z.ZodType<Pipeline>;

import { z } from 'zod';
import { OutcomeSchema } from './agent-process.schema';
import { ActorSchema, InstantSchema, JsonObject } from './common.schema';
import type { RemoteBrief, RemoteTask } from './remote-task';

const text = z.string().nullable();

export const RemoteBriefSchema = z.object({
  title: z.string(),
  description: z.string(),
  ticket_class: z.string(),
  priority: text,
  owning_group: text,
  classification: z.string(),
  task_type: z.string(),
  model: text,
  prompt: text.describe('What people want besides the ticket itself'),
  before: text.describe('How far an earlier holder came, and what it waited for'),
  attachments: z.array(z.object({ id: z.int(), filename: z.string(), size_bytes: z.int().nullable() })),
  skills: z.array(z.object({ name: z.string(), description: z.string() })),
  tools: z.array(z.object({ name: z.string(), description: z.string(), effect: z.string(), schema: JsonObject })),
}) satisfies z.ZodType<RemoteBrief>;

export const RemoteTaskSchema = z.object({
  id: z.uuid(),
  tenantId: z.uuid(),
  runId: z.uuid(),
  offer: z.int(),
  rank: z.int(),
  labels: z.array(z.string()),
  brief: RemoteBriefSchema,
  offeredAt: InstantSchema,
  token: z.int(),
  holder: ActorSchema.nullable(),
  worker: text,
  claimId: z.uuid().nullable(),
  keyId: z.uuid().nullable(),
  claimedAt: InstantSchema.nullable(),
  leaseSeconds: z.int().nullable(),
  leaseUntil: InstantSchema.nullable(),
  limitMs: z.number().nullable(),
  workedMs: z.number(),
  endedAt: InstantSchema.nullable(),
  outcome: OutcomeSchema.nullable(),
}) satisfies z.ZodType<RemoteTask>;

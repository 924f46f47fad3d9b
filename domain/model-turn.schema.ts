import { z } from 'zod';
import { InstantSchema, JsonObject } from './common.schema';
import { turnPurposes, turnStates, type ModelTurn } from './model-turn';

export const ModelTurnSchema = z.object({
  id: z.uuid(),
  tenantId: z.uuid(),
  runId: z.uuid(),
  profileId: z.string().nullable(),
  turn: z.int(),
  attempt: z.int(),
  purpose: z.enum(turnPurposes),
  state: z.enum(turnStates),
  model: z.string(),
  step: z.int(),
  heard: z.int(),
  covers: z.int().nullable(),
  promptDigest: z.string(),
  promptChars: z.int(),
  text: z.string(),
  calls: z.array(z.object({ id: z.string(), tool: z.string(), args: JsonObject.nullable() })),
  reasoning: z.array(z.object({ text: z.string(), signature: z.string().nullable(), redacted: z.string().nullable() })),
  stopReason: z.string().nullable(),
  tokensIn: z.int(),
  tokensOut: z.int(),
  costMicros: z.int(),
  estimated: z.boolean(),
  error: z.string().nullable(),
  startedAt: InstantSchema,
  durationMs: z.number().nullable(),
}) satisfies z.ZodType<ModelTurn>;

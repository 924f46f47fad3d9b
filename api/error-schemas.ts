import { z } from 'zod';
import type { Surface } from './surfaces';

const message = z.string();
const field = z.object({ field: z.string(), message });

/** What each door's refusals look like: `failure` in surfaces.ts makes them, a test holds the two together. */
export const errorSchemas: Record<Surface['name'], z.ZodType> = {
  'agent-ops': z.object({
    error: z.object({ code: z.string(), message, details: z.array(z.looseObject({ message })).optional() }),
  }),
  'ops-agent': z.object({
    error: z.object({ code: z.string(), message, details: z.array(field).optional(), request_id: z.string() }),
  }),
  'agentic-operations': z.looseObject({ detail: z.union([z.string(), z.looseObject({ message })]), error: message }),
  aegis: z.looseObject({
    success: z.literal(false),
    data: z.unknown(),
    error: message,
    meta: z.looseObject({
      code: z.string(),
      request_id: z.string(),
      details: z
        .array(z.looseObject({ type: z.string(), loc: z.array(z.union([z.string(), z.number()])), msg: z.string() }))
        .optional(),
    }),
  }),
  oauth: z.object({ error: z.string(), error_description: message }),
  orchestration: z.object({
    error: z.object({
      code: z.string(),
      message,
      details: z.array(field),
      request_id: z.string(),
      timestamp: z.iso.datetime(),
    }),
  }),
};

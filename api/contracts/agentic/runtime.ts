import { z } from 'zod';
import { reasoningEfforts } from '../../../domain/runtime';
import { RuntimeConfigSchema } from '../../../domain/runtime.schema';
import { operation } from '../../operation';
import { Instant } from '../shapes';

const tag = 'Agents';

/** What a page that lets people choose needs beside what they have chosen; nobody sets it. */
const derived = {
  default: z.string().nullable().describe('The same as default_model'),
  setups: z.array(z.object({ id: z.string(), name: z.string(), harness: z.string(), model: z.string().nullable() })),
  available_harnesses: z.array(z.object({ name: z.string() })),
  reasoning_efforts: z.array(z.enum(reasoningEfforts)),
  updated_by: z.string().nullable(),
  updated_at: Instant.nullable(),
};

const RuntimeShape = RuntimeConfigSchema.extend({
  ...derived,
  version: z.int().describe('0: nobody has set one, and the usual configuration stands'),
});

/** What GET answers may come back whole: of what nobody sets, nothing is read. */
const unread = Object.fromEntries(
  Object.keys(derived).map((k) => [k, z.unknown().optional().describe('Not read: the server says it')]),
) as Record<keyof typeof derived, z.ZodOptional<z.ZodUnknown>>;

export const runtime = {
  listModels: operation({
    route: 'GET /api/agents/models',
    tag,
    summary: 'Models, harnesses, profiles and routes: what an agent may be spawned with, and nothing secret',
    access: 'agents:read',
    output: RuntimeShape,
  }),
  getRuntime: operation({
    route: 'GET /api/agents/config',
    tag,
    summary: 'The runtime configuration as it stands',
    access: 'agents:read',
    output: RuntimeShape,
  }),
  setRuntime: operation({
    route: 'PUT /api/agents/config',
    tag,
    summary:
      'Set parts of the runtime configuration; those that are not given stay. Unknown fields, and whatever looks like a secret, are refused and nothing is stored',
    access: 'agents:write',
    body: RuntimeConfigSchema.partial().extend({
      ...unread,
      version: z.int().min(0).optional().describe('The version that was read: 409 when another stands by now'),
    }),
    output: RuntimeShape,
    errors: ['Conflict'],
  }),
};

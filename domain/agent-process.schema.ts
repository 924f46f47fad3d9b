import { z } from 'zod';
import type { AgentProcess, CommandOutcome } from './agent-process';
import { InstantSchema } from './common.schema';

export const OutcomeSchema = z.discriminatedUnion('is', [
  z.object({ is: z.literal('finished'), result: z.string() }),
  z.object({
    is: z.literal('waiting'),
    for: z.enum(['pending_approval', 'awaiting_access', 'awaiting_user_response', 'blocked']),
    why: z.string(),
  }),
  z.object({ is: z.literal('stopped'), why: z.string() }),
  z.object({ is: z.literal('failed'), error: z.string() }),
  z.object({ is: z.literal('again'), why: z.string(), afterMs: z.number() }),
]) satisfies z.ZodType<CommandOutcome>;

export const AgentProcessSchema = z.object({
  id: z.uuid(),
  tenantId: z.uuid(),
  runId: z.uuid(),
  launch: z.int(),
  harness: z.string(),
  program: z.string(),
  host: z.string(),
  place: z.string(),
  workDir: z.string(),
  logPath: z.string(),
  stateDir: z.string(),
  keyId: z.uuid(),
  pid: z.int().nullable(),
  pgid: z.int().nullable(),
  pidStarted: z.number().nullable(),
  launchedAt: InstantSchema,
  startedAt: InstantSchema.nullable(),
  attendedAt: InstantSchema,
  endedAt: InstantSchema.nullable(),
  exitCode: z.int().nullable(),
  signal: z.string().nullable(),
  endLimit: z.string().nullable(),
  endReason: z.string().nullable(),
  outcome: OutcomeSchema.nullable(),
  outputBytes: z.number(),
  rssBytes: z.number(),
  peakBytes: z.number(),
  readTo: z.number(),
  said: z.string().nullable(),
  saidFailed: z.boolean(),
  lines: z.array(z.string()),
  tail: z.string(),
}) satisfies z.ZodType<AgentProcess>;

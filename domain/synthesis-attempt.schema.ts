import { z } from 'zod';
import { InstantSchema } from './common.schema';

/**
 * One attempt at having a model write a postmortem. reserved: it is being asked. answered: what it said was of use, or not; it is
 * settled by what it took. failed: settled, without an answer. lost: nobody knows, so what was reserved counts. refused: not asked.
 */
export const SynthesisAttemptSchema = z.object({
  id: z.uuid(),
  tenantId: z.uuid(),
  postmortemId: z.uuid(),
  attempt: z.int(),
  state: z.enum(['reserved', 'answered', 'failed', 'lost', 'refused']),
  model: z.string(),
  promptDigest: z.string(),
  answerDigest: z.string().nullable(),
  tokensIn: z.int(),
  tokensOut: z.int(),
  costMicros: z.int(),
  estimated: z.boolean(),
  error: z.string().nullable(),
  startedAt: InstantSchema,
  durationMs: z.number().nullable(),
});
export type SynthesisAttempt = z.output<typeof SynthesisAttemptSchema>;

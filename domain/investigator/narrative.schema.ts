import { z } from 'zod';
import type { Narrative } from './narrative';

export const NarrativeSchema = z.object({
  summary: z.string(),
  statements: z.array(z.object({ type: z.string(), summary: z.string(), evidence: z.array(z.string()) })),
}) satisfies z.ZodType<Narrative>;

import { z } from 'zod';
import type { GateRule, Needs } from './quorum';

const Needed: z.ZodType<Needs> = z.lazy(() =>
  z.union([
    z.object({ is: z.literal('count'), n: z.int(), of: z.string() }),
    z.object({ is: z.enum(['all', 'any']), parts: z.array(Needed) }),
  ]),
);
const way = { text: z.string(), needs: Needed };

/** A gate's rule, as its row has it. */
export const GateRuleSchema = z.object({
  ...way,
  people: z.record(z.string(), z.array(z.object({ id: z.string(), name: z.string() }))),
  without: z.array(z.string()),
  remind: z.object({ everyMs: z.number(), times: z.int() }).nullable(),
  escalate: z.object({ ...way, afterMs: z.number() }).nullable(),
}) satisfies z.ZodType<GateRule>;

const seconds = z
  .int()
  .min(1)
  .max(30 * 86_400);
const expression = z.string().trim().min(1).max(1_000);

/** What an approval policy says about who decides; the rest of it is its tenant's. */
export const QuorumPolicy = z.object({
  quorum: expression.describe('`2 of sre and 1 of security and not requester`: docs/approvals.md'),
  remind: z
    .object({ after_seconds: seconds, times: z.int().min(1).max(10).default(1) })
    .optional()
    .describe('Those who have not voted are reminded, that often'),
  escalate: z
    .object({ after_seconds: seconds, to: expression })
    .optional()
    .describe('From then on that is enough as well'),
});
export type QuorumPolicy = z.output<typeof QuorumPolicy>;

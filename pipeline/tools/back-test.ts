import { z } from 'zod';
import type { TransactionSources } from '../../db/transactions/sources';
import { NotFound } from '../../domain/errors';
import { conditionFeatures } from '../../domain/transactions/conditions';
import { tool } from '../call';

/** Of the stored payments, the newest. */
const most = 5_000;
const everSince = '1970-01-01T00:00:00.000Z';

/**
 * What a drafted rule would have flagged of the stored payments, and how many of those are disputed by now. That it takes too
 * long is an answer as well, which tried again would be the same.
 */
export const backTest = (sources: TransactionSources, withinMs: number) =>
  tool({
    name: 'back_test',
    description:
      'What a drafted rule would have flagged of the newest stored payments, and how many of them were disputed.',
    effect: 'read',
    scope: 'ops_agent:read',
    content: 'prose',
    args: z.strictObject({
      transaction_id: z.uuid(),
      conditions: z
        .array(z.strictObject({ feature: z.enum(conditionFeatures), operator: z.literal('>='), value: z.number() }))
        .min(1)
        .max(8),
    }),
    target: ({ transaction_id }) => `a rule drafted from transaction ${transaction_id}`,
    async run({ transaction_id, conditions }, context) {
      const source = sources(context.call.tenantId, (work) => context.read(work));
      if (!(await source.find(transaction_id)))
        throw new NotFound(`transaction_id: there is no transaction ${transaction_id}`, { field: 'transaction_id' });
      const span = { since: everSince, before: new Date().toISOString() };
      const from = performance.now();
      const found = await source.backTest(conditions, span, { most, withinMs });
      const stopped = {
        too_long: true,
        stopped_after_ms: Math.round(performance.now() - from),
        message: 'The back-test took too long and was stopped: how many payments the rule would flag is not known.',
      };
      return { ...(found ?? stopped), newest: most, until: span.before };
    },
  });

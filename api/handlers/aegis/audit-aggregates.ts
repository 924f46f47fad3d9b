import { answerTo } from '../../aggregates/definition';
import { aggregates } from '../../aggregates/table';
import { reveal } from '../../../log/personal';
import type { Ctx } from '../../kernel';
import type { Input } from '../../operation';
import type { z } from 'zod';

type Asked = Input<z.ZodType<{ id: string } | undefined>, z.ZodType<Record<string, unknown>>, undefined>;

export const auditAggregateHandlers = Object.fromEntries(
  Object.entries(aggregates).map(([name, aggregate]) => [
    name,
    ({ params, query }: Asked, ctx: Ctx) =>
      ctx.read(async (tx) => reveal(tx, ctx.kernel.keyring, await answerTo(aggregate, tx, params?.id ?? null, query))),
  ]),
);

import type { z } from 'zod';
import type { Span, TransactionSource } from '../../domain/transactions/transaction';
import { SeenTransactionSchema, TransactionSchema, UsualSchema } from '../../domain/transactions/transaction.schema';
import { BackTestSchema, backTestOf, type Relations } from './back-test';
import { disputedOf, find, newestOf, usualOf } from './statements';

/** Asks one statement, each of whose rows has that shape; with `withinMs` it is stopped when that much time has passed. */
export type Ask = <S extends z.ZodType>(
  schema: S,
  sql: string,
  params: unknown[],
  withinMs?: number,
) => Promise<z.output<S>[]>;

/** Postgres' code for a statement that was cancelled: by a time-out, or by somebody. */
const cancelled = '57014';

/** Every look at payments, by the statements that all sources have in common. */
export function lookupsIn(relations: Relations, ask: Ask): TransactionSource {
  const { payments, disputed } = relations;
  const seen = (sql: string, of: unknown, { since, before }: Span, most: number) =>
    ask(SeenTransactionSchema, sql, [of, since, before, most]);
  return {
    find: async (id) => (await ask(TransactionSchema, find(payments), [id]))[0] ?? null,
    ofCustomer: (id, span, most) => seen(newestOf(payments, 'customer_id'), id, span, most),
    ofTerminal: (id, span, most) => seen(newestOf(payments, 'terminal_id'), id, span, most),
    disputed: (of, span, most) =>
      'customers' in of
        ? seen(disputedOf(disputed, 'customer_id'), of.customers, span, most)
        : seen(disputedOf(disputed, 'terminal_id'), of.terminals, span, most),
    usual: (customers, { since, before }, most) =>
      ask(UsualSchema, usualOf(payments), [customers, since, before, most]),
    async backTest(conditions, { since, before }, { most, withinMs }) {
      const sql = backTestOf(relations, conditions);
      try {
        const values = conditions.map((c) => c.value);
        const [found] = await ask(BackTestSchema, sql, [since, before, most, ...values], withinMs);
        if (!found) throw new Error('an aggregate answers one row');
        return found;
      } catch (e) {
        if ((e as { code?: string }).code === cancelled) return null;
        throw e;
      }
    },
  };
}

import { z } from 'zod';
import { InstantSchema } from '../common.schema';
import type { SeenTransaction, Transaction, Usual } from './transaction';

/** Postgres gives numeric as text. */
const AmountSchema = z
  .union([
    z.number(),
    z
      .string()
      .regex(/^-?\d+(\.\d+)?$/)
      .transform(Number),
  ])
  .pipe(z.number().finite());

export const TransactionSchema = z.object({
  transactionId: z.uuid(),
  occurredAt: InstantSchema,
  customerId: z.string().min(1),
  terminalId: z.string().min(1),
  amount: AmountSchema,
}) satisfies z.ZodType<Transaction>;

export const SeenTransactionSchema = TransactionSchema.extend({
  disputedAt: InstantSchema.nullable(),
}) satisfies z.ZodType<SeenTransaction>;

export const UsualSchema = z.object({
  customerId: z.string().min(1),
  payments: z.int(),
  mean: AmountSchema,
}) satisfies z.ZodType<Usual>;

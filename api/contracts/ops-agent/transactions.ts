import { z } from 'zod';
import { operation, type RowsOption } from '../../operation';
import { hasCome, Instant, name } from '../shapes';

const tag = 'Transactions';
const rows: RowsOption = { most: 10_000, maxBytes: 8 * 1024 * 1024 };

const instant = Instant.refine((t) => Date.parse(t) >= 0, 'must not be before 1970')
  .refine(hasCome, 'lies in the future')
  .describe('ISO 8601 with offset, to the millisecond, from 1970 to five minutes from now')
  .transform((t) => new Date(t).toISOString());

/** As the column holds it. */
const toFourDecimals = (amount: number): number => Number(amount.toFixed(4));
/** But for what a sum of decimals is off by as a double: what is meant has four decimals at most. */
const isMeantSo = (amount: number): boolean =>
  Math.abs(amount - toFourDecimals(amount)) <= 4 * Number.EPSILON * Math.max(1, amount);

const TransactionRow = z.object({
  transaction_id: z.uuid('must be a UUID').toLowerCase(),
  occurred_at: instant,
  customer_id: name(100),
  terminal_id: name(100),
  amount: z
    .number('must be a number')
    .min(0, 'must not be negative')
    .max(999_999_999, 'must be at most 999999999')
    .refine(isMeantSo, 'must have at most four decimals')
    .describe('In the currency of the source, four decimals at most')
    .transform(toFourDecimals),
});

const DisputeRow = z.object({
  transaction_id: z.uuid('must be a UUID').toLowerCase(),
  disputed_at: instant,
});

const taken = z.object({
  received: z.int().describe('Rows in the body'),
  new: z.int().describe('Written by this call'),
  known: z.int().describe('There already, with the same content'),
  rejected: z.int(),
  rejections: z
    .array(
      z.object({
        line: z.int().describe('Counted from 1: of the text, or of the array'),
        transaction_id: z.string().nullable(),
        field: z.string().nullable(),
        reason: z.enum(['invalid', 'conflict', 'unknown_transaction']),
        message: z.string(),
      }),
    )
    .describe('Every row that was not taken; the others are'),
  digest: z.string().describe('sha256 over the rows written, as the log entry of this call has it'),
});

const partly = 'rows that do not fit are named by line, the others are taken';

export const transactions = {
  ingestTransactions: operation({
    route: 'POST /api/v1/ops-agent/transactions',
    tag,
    summary: `Take in card payments, as a JSON array or NDJSON, 10,000 at most; known ones change nothing, ${partly}`,
    access: 'ops_agent:ingest',
    body: z.array(TransactionRow).min(1),
    rows,
    output: taken,
  }),
  ingestDisputes: operation({
    route: 'POST /api/v1/ops-agent/disputes',
    tag,
    summary: `Take in disputes of payments that are here, as a JSON array or NDJSON, 10,000 at most; ${partly}`,
    access: 'ops_agent:ingest',
    body: z.array(DisputeRow).min(1),
    rows,
    output: taken,
  }),
};

import { z } from 'zod';
import { operation, type RowsOption } from '../../operation';
import { Instant, name } from '../shapes';

const tag = 'Transactions';
const rows: RowsOption = { most: 10_000, maxBytes: 8 * 1024 * 1024 };

const instant = Instant.describe('ISO 8601 with offset, to the millisecond').transform((t) =>
  new Date(t).toISOString(),
);
const inTenThousandths = (amount: number): boolean => Number.isInteger(Math.round(amount * 1e10) / 1e6);

const TransactionRow = z.object({
  transaction_id: z.uuid('must be a UUID').toLowerCase(),
  occurred_at: instant,
  customer_id: name(100),
  terminal_id: name(100),
  amount: z
    .number('must be a number')
    .min(0, 'must not be negative')
    .max(999_999_999, 'must be at most 999999999')
    .refine(inTenThousandths, 'must have at most four decimals')
    .describe('In the currency of the source, four decimals at most'),
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

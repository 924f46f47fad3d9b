import { z } from 'zod';
import type { Report } from './harness';

const text = z.string().max(20_000);
const cites = z.array(z.string().max(128)).max(200);
const ClaimSchema = z.object({
  statement: text,
  kind: z.enum(['finding', 'hypothesis']),
  confidence: z.number().min(0).max(1),
  cites,
});

/** What an agent reports, bounded so that a page of it can be made: for arguments and rows of the ledger. */
export const ReportSchema = z.object({
  title: z.string().min(1).max(500),
  summary: text,
  claims: z.array(ClaimSchema).max(500),
  hypotheses: z.array(ClaimSchema).max(200),
  tables: z
    .array(
      z.object({
        title: z.string().max(500),
        columns: z.array(z.string().max(500)).max(50),
        rows: z.array(z.array(z.union([z.string().max(5_000), z.number()])).max(50)).max(2_000),
        cites,
      }),
    )
    .max(100),
  references: z
    .array(
      z.object({
        kind: z.enum(['blueprint', 'article', 'ticket']),
        id: z.int(),
        title: z.string().max(1_000),
        cites,
      }),
    )
    .max(200),
  limits: z.array(text).max(200),
  steering: z
    .array(z.object({ id: z.string().max(200), author: z.string().max(500), body: text, answer: text, cites }))
    .max(500),
}) satisfies z.ZodType<Report>;

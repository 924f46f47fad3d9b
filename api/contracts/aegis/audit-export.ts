import { z } from 'zod';
import { operation, raw } from '../../operation';
import { name, whole, wholeOr } from '../shapes';
import { end, start } from './audit';

const tag = 'audit';
/** Rows of a document that people read, page by page. */
export const mostOnPaper = 2_000;

export const auditExport = {
  exportAuditLogs: operation({
    route: 'GET /audit/export',
    tag,
    summary: 'Entries as they are verified, newest first: a line of JSON each; CSV with format=csv or Accept: text/csv',
    access: 'audit:read',
    query: z.object({
      since: start.optional(),
      until: end.optional(),
      agent_id: z.uuid().optional(),
      chain_shard: whole(0, 15).optional(),
      limit: wholeOr(100_000, 1, 100_000),
      format: z.enum(['ndjson', 'csv']).optional(),
    }),
    output: raw('application/x-ndjson'),
    aliases: ['/v1/audit/export'],
  }),
  createAuditExport: operation({
    route: 'POST /audit/export',
    tag,
    summary: 'Entries as a file, newest first: CSV, a JSON array, or a PDF of at most 2000 rows',
    access: 'audit:read',
    body: z
      .object({
        format: z.enum(['csv', 'json', 'pdf']).default('csv'),
        start_date: start.optional(),
        end_date: end.optional(),
        agent_id: z.uuid().optional(),
        action: name(100).optional(),
        limit: z.int().min(1).max(10_000).optional(),
      })
      .refine(({ format, limit = 1 }) => format !== 'pdf' || limit <= mostOnPaper, {
        path: ['limit'],
        message: `a PDF has at most ${mostOnPaper} rows; take csv or json for more`,
      }),
    output: raw('text/csv'),
    aliases: ['/v1/audit/export'],
  }),
};

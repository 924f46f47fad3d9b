import { pipeline, Readable } from 'node:stream';
import { stringify } from 'csv-stringify';
import { exportedLines, exportedRows, type ExportedRow, type ExportFilter } from '../../../db/log-export';
import { mostOnPaper, type auditExport } from '../../contracts/aegis/audit-export';
import { reveal } from '../../../log/personal';
import type { Ctx, Handlers } from '../../kernel';
import type { Reply } from '../../operation';
import { onPaper } from './audit-paper';

const columns = [
  'id', 'timestamp', 'tenant_id', 'agent_id', 'action', 'tool', 'decision', 'reason', 'request_id', 'event_hash', 'billing_status',
  'risk_score',
] as const satisfies readonly (keyof ExportedRow)[]; // prettier-ignore

/** The same, when the first batch is there: what goes wrong before it has an answer of its own. */
async function begun<T>(batches: AsyncGenerator<T>): Promise<AsyncGenerator<T>> {
  const first = await batches.next();
  return (async function* () {
    if (first.done !== true) yield first.value;
    yield* batches;
  })();
}

/** A batch is a piece of the answer; the next is read when who listens has taken this one. */
const pieces = <T>(batches: AsyncIterable<T>, text: (batch: T) => string): Readable => {
  const texts = async function* () {
    for await (const batch of batches) yield text(batch);
  };
  return Readable.from(texts(), { objectMode: true, highWaterMark: 1 });
};

/** Spreadsheets take a cell that begins with one of = + - @ for a formula: it begins with ' here. */
function csv(batches: AsyncIterable<readonly ExportedRow[]>): NodeJS.ReadableStream {
  const rows = async function* () {
    for await (const batch of batches) yield* batch;
  };
  const table = stringify({ header: true, columns: [...columns], escape_formulas: true });
  return pipeline(Readable.from(rows(), { highWaterMark: 16 }), table, () => undefined); // whoever reads it hears of trouble
}

async function* jsonArray(batches: AsyncIterable<readonly { line: string }[]>): AsyncGenerator<string> {
  let before = '[\n';
  for await (const batch of batches) {
    yield before + batch.map((b) => b.line).join(',\n');
    before = ',\n';
  }
  yield before === '[\n' ? '[]\n' : '\n]\n';
}

const attachment = (type: string, extension: string, body: NodeJS.ReadableStream): Reply => ({
  type,
  body,
  headers: {
    'Content-Disposition': `attachment; filename="audit-${new Date().toISOString().slice(0, 10)}.${extension}"`,
    'Cache-Control': 'no-store',
  },
});

/** CSV where the caller would rather have it than lines of JSON. */
const wantsCsv = (accept: string | undefined): boolean => /(^|[\s,])text\/csv\b/i.test(accept ?? '');

/** Rows for people to read; lines are as they were hashed, for whoever checks them. */
async function* readable(ctx: Ctx, filter: ExportFilter, limit: number): AsyncGenerator<ExportedRow[]> {
  for await (const batch of exportedRows(ctx, filter, limit))
    yield await ctx.read((tx) => reveal(tx, ctx.kernel.keyring, batch));
}

export const auditExportHandlers: Handlers<typeof auditExport> = {
  exportAuditLogs: async ({ query: { since, until, agent_id, chain_shard, limit, format } }, ctx) => {
    const filter: ExportFilter = {
      agentId: agent_id ?? null,
      action: null,
      shard: chain_shard ?? null,
      from: since ?? null,
      to: until ?? null,
    };
    if (format === 'csv' || (format === undefined && wantsCsv(ctx.headers.accept)))
      return attachment('text/csv', 'csv', csv(await begun(readable(ctx, filter, limit))));
    const batches = await begun(exportedLines(ctx, filter, limit));
    return {
      type: 'application/x-ndjson',
      headers: { 'X-ACP-Chain-Format': 'ndjson-v1', 'Cache-Control': 'no-store' },
      body: pieces(batches, (batch) => batch.map((b) => `${b.line}\n`).join('')),
    };
  },
  createAuditExport: async ({ body: { format, start_date, end_date, agent_id, action, limit } }, ctx) => {
    const filter: ExportFilter = {
      agentId: agent_id ?? null,
      action: action ?? null,
      shard: null,
      from: start_date ?? null,
      to: end_date ?? null,
    };
    const most = limit ?? (format === 'pdf' ? mostOnPaper : 10_000);
    if (format === 'json') {
      const batches = await begun(exportedLines(ctx, filter, most));
      return attachment('application/json', 'json', Readable.from(jsonArray(batches), { highWaterMark: 1 }));
    }
    const batches = await begun(readable(ctx, filter, most));
    if (format === 'csv') return attachment('text/csv', 'csv', csv(batches));
    const span = `${start_date ?? 'the beginning'} to ${end_date ?? 'now'}`;
    return attachment(
      'application/pdf',
      'pdf',
      onPaper(`Audit log of tenant ${ctx.tenantId}, ${span}, newest first`, batches),
    );
  },
};

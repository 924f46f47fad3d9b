import type { Entry } from '../domain/log';
import { micros } from './instant';
import type { StoredReceipt } from './log-queries';
import type { Read } from './tx';

/** An entry with what is JSON in it as the text that the log holds. */
export type RawEntry = Omit<Entry, 'actor' | 'body'> & { actor: string; body: string };
type Row<T> = T & Record<string, unknown>;

const raw = `l.tenant_id as "tenantId", l.seq, l.id, ${micros('l.at')} as at, l.kind, l.actor::text, l.subject_kind as "subjectKind",
  l.subject_id as "subjectId", l.version, l.transition, l.ticket_id as "ticketId", l.run_id as "runId", l.agent_id as "agentId",
  l.tool, l.decision, l.reason, l.request_id as "requestId", l.correlation_id as "correlationId", l.body::text, l.digest,
  l.prev_hash as "prevHash", l.hash, l.chain_shard as "chainShard", l.event_prev as "eventPrev", l.event_hash as "eventHash"`;

/** Entries after the first and up to the second `seq`, which are whole numbers; null: from the first, to the last there is. */
export interface Span {
  after: number | null;
  upto: number | null;
}

/** What a statement gives, a batch at a time: the next is on its way while one is worked on. */
async function* batches<T>(tx: Read, cursor: string, select: string, size: number): AsyncGenerator<T[]> {
  await tx.query(`declare ${cursor} no scroll cursor for ${select}`);
  const fetch = () => {
    const rows = tx.query<Row<T>>(`fetch ${size} from ${cursor}`);
    rows.catch(() => undefined); // thrown where it is awaited
    return rows;
  };
  for (let next = fetch(); ;) {
    const { rows } = await next;
    if (rows.length === size) next = fetch();
    yield rows;
    if (rows.length < size) break;
  }
  await tx.query(`close ${cursor}`);
}

/** In order. */
export const rawEntries = (tx: Read, { after, upto }: Span, size: number): AsyncGenerator<RawEntry[]> => {
  const where = [...(after === null ? [] : [`l.seq > ${after}`]), ...(upto === null ? [] : [`l.seq <= ${upto}`])];
  const select = `select ${raw} from log l ${where.length ? `where ${where.join(' and ')}` : ''} order by l.seq`;
  return batches(tx, 'raw_entries', select, size);
};

/** Every receipt, with the entry that it was signed for: null when the log does not hold it. */
export const receiptsWithEntries = (
  tx: Read,
  size: number,
): AsyncGenerator<(StoredReceipt & (RawEntry | { id: null }))[]> =>
  batches(
    tx,
    'receipts_with_entries',
    `select r.entry_id as "entryId", r.receipt, r.signature, r.fingerprint, ${raw}
     from receipts r left join log l on l.tenant_id = r.tenant_id and l.id = r.entry_id order by r.entry_id`,
    size,
  );

/** Calls of tools that have no receipt. */
export async function callsWithoutReceipt(tx: Read): Promise<RawEntry[]> {
  const { rows } = await tx.query<Row<RawEntry>>(
    `select ${raw} from log l where starts_with(l.kind, 'execution.')
       and not exists (select from receipts r where r.tenant_id = l.tenant_id and r.entry_id = l.id) order by l.seq`,
  );
  return rows;
}

/** What stands before a span: the last entry, and the last of each shard. */
export interface Tails {
  last: Pick<Entry, 'seq' | 'at' | 'hash'> | null;
  shards: { shard: number; hash: string }[];
}

export async function tailsAt(tx: Read, seq: number): Promise<Tails> {
  const last = await tx.query<Row<Pick<Entry, 'seq' | 'at' | 'hash'>>>(
    `select l.seq, ${micros('l.at')} as at, l.hash from log l where l.seq <= $1 order by l.seq desc limit 1`,
    [seq],
  );
  const shards = await tx.query<{ shard: number; hash: string }>(
    `select s as shard, e.event_hash as hash from generate_series(0, 15) s cross join lateral (
       select l.event_hash from log l where l.chain_shard = s and l.seq <= $1 order by l.seq desc limit 1) e`,
    [seq],
  );
  return { last: last.rows[0] ?? null, shards: shards.rows };
}

/** How far the readers of the log have come: it cannot end before that. */
export async function furthestReader(tx: Read): Promise<{ reader: string; seq: number } | null> {
  const { rows } = await tx.query<{ reader: string; seq: number }>(
    'select reader, seq from cursors order by seq desc limit 1',
  );
  return rows[0] ?? null;
}

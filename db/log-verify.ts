import { saidColumns, type Entry } from '../domain/log';
import type { Fields } from './copy';
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

/** As text where it may be beyond what a number counts exactly. */
export type Seq = number | string;

/** Those after the first (null: from the beginning) and up to the second `seq`; in order. */
export const rawEntries = (tx: Read, after: Seq | null, upto: Seq, size: number): AsyncGenerator<RawEntry[]> =>
  batches(
    tx,
    'raw_entries',
    `select ${raw} from log l where l.seq <= ${upto} ${after === null ? '' : `and l.seq > ${after}`} order by l.seq`,
    size,
  );

/** What an entry's hash is over, and the hash, go as one text with newlines between: it is put together there and compared here at once. */
const linked = ['prev_hash', 'seq', 'at', 'digest', 'event_prev', 'event_hash', 'hash'] as const;
const copied = [...saidColumns, 'seq', 'chain_shard', 'linked'] as const;
type Copied = (typeof copied)[number];
/** Which field of a copied entry a column is. */
export const place = Object.fromEntries(copied.map((column, i) => [column, i])) as Record<Copied, number>;
const isText = new Set<Copied | (typeof linked)[number]>([
  'actor', 'body', 'kind', 'subject_kind', 'subject_id', 'transition', 'tool', 'decision', 'reason', 'request_id', 'correlation_id',
  'digest', 'prev_hash', 'hash', 'event_prev', 'event_hash',
]); // prettier-ignore
const asText = (c: Copied | (typeof linked)[number]): string => {
  if (c === 'linked') return linked.map(asText).join(` || E'\\n' || `);
  if (c === 'at') return micros('l.at');
  return isText.has(c) ? `l.${c}` : `l.${c}::text`;
};
const asTexts = copied.map(asText).join(', ');

/** The first `limit` after `seq` as bytes, for very many; in order. */
export const copyEntries = (tx: Read, after: Seq | null, limit: number, onEntry: (e: Fields) => void): Promise<void> =>
  tx.copy(
    `select ${asTexts} from log l ${after === null ? '' : `where l.seq > ${after}`} order by l.seq limit ${limit}`,
    onEntry,
  );

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

/** How far the readers of the log have come: it cannot end before that. */
export async function furthestReader(tx: Read): Promise<{ reader: string; seq: number } | null> {
  const { rows } = await tx.query<{ reader: string; seq: number }>(
    'select reader, seq from cursors order by seq desc limit 1',
  );
  return rows[0] ?? null;
}

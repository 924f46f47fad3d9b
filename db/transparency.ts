import { micros } from './instant';
import type { Read } from './tx';

// What the trees of a tenant's receipts are in (migrations/000059_transparency.sql). Days are `YYYY-MM-DD`, in UTC.

const reader = 'transparency';
const dayOf = (column: string): string => `to_char(${column} at time zone 'utc', 'YYYY-MM-DD')`;

/** One at a time, others wait; held until the transaction ends. Answers how far into the log the trees are. */
export async function holdTrees(tx: Read): Promise<number> {
  await tx.query(`select pg_advisory_xact_lock(hashtextextended('cursor:' || $1 || ':' || $2, 0))`, [
    reader,
    tx.tenantId,
  ]);
  // A statement of its own: it sees what the last holder of the lock committed.
  const { rows } = await tx.query<{ seq: number }>('select seq from cursors where reader = $1', [reader]);
  return rows[0]?.seq ?? 0;
}
export const movedTrees = reader;

/** From here to the commit nobody appends to the tenant's log, and what was appended is seen. */
export const holdLog = (tx: Read): Promise<unknown> =>
  tx.query(
    `select set_config('idle_in_transaction_session_timeout', '10s', true), pg_advisory_xact_lock(hashtextextended('log:' || $1, 0))`,
    [tx.tenantId],
  );

/** The day that it is by the database's clock, as any entry from now on is dated. */
export async function today(tx: Read): Promise<string> {
  const { rows } = await tx.query<{ day: string }>(`select ${dayOf('clock_timestamp()')} as day`);
  return (rows[0] as { day: string }).day;
}

export interface Leaf {
  seq: number;
  day: string;
  receipt: string;
  signature: string;
  fingerprint: string;
}

/** The receipts of the entries after `from`, `most` of them at the most, and the last entry of each day. */
export async function leavesAfter(
  tx: Read,
  from: number,
  most: number,
): Promise<{ leaves: Leaf[]; ends: { day: string; seq: number }[] }> {
  const range = 'l.seq > $1 and l.seq <= $2';
  const { rows: ends } = await tx.query<{ day: string; seq: number }>(
    `select ${dayOf('l.at')} as day, max(l.seq) as seq from log l where ${range} group by 1 order by 2`,
    [from, from + most],
  );
  // No further than those: an entry may have been written between the two statements, and is the next window's.
  const { rows: leaves } = await tx.query<Leaf & Record<string, unknown>>(
    `select l.seq, ${dayOf('l.at')} as day, r.receipt, r.signature, r.fingerprint
     from log l join receipts r on r.tenant_id = l.tenant_id and r.entry_id = l.id where ${range} order by l.seq`,
    [from, ends.at(-1)?.seq ?? from],
  );
  return { leaves, ends };
}

export interface Day {
  day: string;
  leafCount: number;
  firstLeafSeq: number | null;
  lastLeafSeq: number | null;
  lastSeq: number;
}
const dayColumns = `root_date::text as day, leaf_count as "leafCount", first_leaf_seq as "firstLeafSeq",
  last_leaf_seq as "lastLeafSeq", last_seq as "lastSeq"`;
type Row<T> = T & Record<string, unknown>;

export async function dayAt(tx: Read, day: string): Promise<Day | null> {
  const { rows } = await tx.query<Row<Day>>(`select ${dayColumns} from transparency_days where root_date = $1`, [day]);
  return rows[0] ?? null;
}

/** The first day of the log, as far as the trees are. */
export async function firstDay(tx: Read): Promise<string | null> {
  const { rows } = await tx.query<{ day: string | null }>('select min(root_date)::text as day from transparency_days');
  return rows[0]?.day ?? null;
}

export const putDay = (tx: Read, d: Day): Promise<unknown> =>
  tx.query(
    `insert into transparency_days (tenant_id, root_date, leaf_count, first_leaf_seq, last_leaf_seq, last_seq)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (tenant_id, root_date) do update set leaf_count = excluded.leaf_count,
       first_leaf_seq = excluded.first_leaf_seq, last_leaf_seq = excluded.last_leaf_seq, last_seq = excluded.last_seq`,
    [tx.tenantId, d.day, d.leafCount, d.firstLeafSeq, d.lastLeafSeq, d.lastSeq],
  );

export interface TileRow {
  level: number;
  n: number;
  v1: Buffer;
  rfc6962: Buffer;
}

export async function tileAt(tx: Read, day: string, level: number, n: number): Promise<TileRow | null> {
  const { rows } = await tx.query<Row<TileRow>>(
    'select level, n, v1, rfc6962 from transparency_tiles where root_date = $1 and level = $2 and n = $3',
    [day, level, n],
  );
  return rows[0] ?? null;
}

/** The row of leaves that the receipt of this entry is in, if it is in any. */
export async function tileOf(tx: Read, day: string, seq: number): Promise<TileRow | null> {
  const { rows } = await tx.query<Row<TileRow>>(
    `select level, n, v1, rfc6962 from transparency_tiles
     where root_date = $1 and level = 0 and first_seq <= $2 order by first_seq desc limit 1`,
    [day, seq],
  );
  return rows[0] ?? null;
}

export const putTile = (tx: Read, day: string, t: TileRow & { firstSeq: number | null }): Promise<unknown> =>
  tx.query(
    `insert into transparency_tiles (tenant_id, root_date, level, n, v1, rfc6962, first_seq) values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (tenant_id, root_date, level, n) do update set v1 = excluded.v1, rfc6962 = excluded.rfc6962`,
    [tx.tenantId, day, t.level, t.n, t.v1, t.rfc6962, t.firstSeq],
  );

/** The id, time and hash of an entry. */
export async function markOf(tx: Read, seq: number): Promise<{ id: string; at: string; hash: string }> {
  const { rows } = await tx.query<{ id: string; at: string; hash: string }>(
    `select id, ${micros('at')} as at, hash from log where seq = $1`,
    [seq],
  );
  if (!rows[0]) throw new Error(`the log has no entry ${seq}`);
  return rows[0];
}

/** The entry that a receipt is of, and its day. By its id, or by the request id that it carries. */
export async function receiptPlace(tx: Read, id: string): Promise<(Leaf & { entryId: string }) | null> {
  const { rows } = await tx.query<Row<Leaf & { entryId: string }>>(
    `select l.seq, l.id as "entryId", ${dayOf('l.at')} as day, r.receipt, r.signature, r.fingerprint
     from log l join receipts r on r.tenant_id = l.tenant_id and r.entry_id = l.id
     where l.id = $1::uuid or l.request_id = $2 order by l.seq limit 1`,
    [/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id) ? id : null, id],
  );
  return rows[0] ?? null;
}

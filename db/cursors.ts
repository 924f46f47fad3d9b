import type { Pool } from 'pg';
import { systemTx, type Read } from './tx';

/** One thing a reader of the log has to pass on. */
export interface Passed {
  seq: number;
  subjectId: string;
  body: Record<string, unknown>;
}

/** The tenants whose log is ahead of the reader, looked for inside the database: no round trip for each of them. */
export const tenantsBehind = (pool: Pool, reader: string): Promise<string[]> =>
  systemTx(pool, async (client) => {
    const { rows } = await client.query<{ id: string }>('select tenants_behind($1) as id', [reader]);
    return rows.map((r) => r.id);
  });

/** The reader's place, or null when another process reads now. Held until the transaction ends. */
export async function takeCursor(tx: Read, reader: string): Promise<number | null> {
  const { rows } = await tx.query<{ taken: boolean }>(
    `select pg_try_advisory_xact_lock(hashtextextended('cursor:' || $1 || ':' || $2, 0)) as taken`,
    [reader, tx.tenantId],
  );
  if (!rows[0]?.taken) return null;
  // A statement of its own: it sees what the last holder of the lock committed.
  const stands = await tx.query<{ seq: number }>('select seq from cursors where reader = $1', [reader]);
  return stands.rows[0]?.seq ?? 0;
}

/** The entries of those kinds in the next `window` of the log, and where the window ends. */
export async function readOn(
  tx: Read,
  from: number,
  kinds: readonly string[],
  window: number,
): Promise<{ entries: Passed[]; end: number; last: number }> {
  const { rows } = await tx.query<{ last: number }>('select coalesce(max(seq), 0) as last from log');
  const last = rows[0]?.last ?? 0;
  const end = Math.min(last, from + window);
  const found = await tx.query<{ [K in keyof Passed]: Passed[K] }>(
    `select seq, subject_id as "subjectId", body from log where seq > $1 and seq <= $2 and kind = any($3) order by seq`,
    [from, end, kinds],
  );
  return { entries: found.rows, end, last };
}

export async function moveCursor(tx: Read, reader: string, seq: number): Promise<void> {
  await tx.query(
    `insert into cursors (tenant_id, reader, seq) values ($1, $2, $3)
     on conflict (tenant_id, reader) do update set seq = excluded.seq where cursors.seq < excluded.seq`,
    [tx.tenantId, reader, seq],
  );
}

/** Gates that the log says were asked for, in a window after `from`, `graceSeconds` ago, and that nobody moved since. */
export async function gatesOpenedLongAgo(
  tx: Read,
  from: number,
  window: number,
  graceSeconds: number,
): Promise<{ ids: string[]; end: number }> {
  const { rows } = await tx.query<{ ids: string[] | null; end: number | null }>(
    `select max(l.seq) as end, array_agg(g.id) filter (where g.id is not null) as ids
     from log l left join gates g on g.id = case when l.kind = 'gate.requested' then l.subject_id::uuid end
       and g.status = 'pending' and g.version = 1
     where l.seq > $1 and l.seq <= $2 and l.at < now() - make_interval(secs => $3)`,
    [from, from + window, graceSeconds],
  );
  return { ids: rows[0]?.ids ?? [], end: rows[0]?.end ?? from };
}

/** An entry as its readers need it. */
export interface ReadEntry {
  seq: number;
  kind: string;
  subjectId: string;
  agentId: string | null;
  body: Record<string, unknown>;
}

/** The entries of these kinds in the next `window` of the log, and where the window and the log end. */
export async function entriesFrom(
  tx: Read,
  from: number,
  kinds: readonly string[],
  window: number,
): Promise<{ entries: ReadEntry[]; end: number; last: number }> {
  const { rows: ends } = await tx.query<{ last: number }>('select coalesce(max(seq), 0) as last from log');
  const last = ends[0]?.last ?? 0;
  const end = Math.min(last, from + window);
  const { rows } = await tx.query<ReadEntry>(
    `select seq, kind, subject_id as "subjectId", agent_id as "agentId", body from log
     where seq > $1 and seq <= $2 and kind = any($3) order by seq`,
    [from, end, kinds],
  );
  return { entries: rows, end, last };
}

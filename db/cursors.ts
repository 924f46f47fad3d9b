import type { Pool } from 'pg';
import { systemTx, type Read } from './tx';

/** An entry of the log as its readers need it. */
export interface Entry {
  seq: number;
  kind: string;
  subjectId: string;
  agentId: string | null;
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

/** The entries of those kinds in the next `window` of the log, and where the window and what is old enough of the log end. */
export async function readOn(
  tx: Read,
  from: number,
  { kinds, window, graceSeconds }: { kinds: readonly string[]; window: number; graceSeconds: number },
): Promise<{ entries: Entry[]; end: number; last: number }> {
  // What lies ahead of the clock, which was set back since, is as old as any.
  const { rows } = await tx.query<{ seq: number }>(
    `select seq from log where not (at > clock_timestamp() - make_interval(secs => $1) and at <= clock_timestamp())
     order by seq desc limit 1`,
    [graceSeconds],
  );
  const last = rows[0]?.seq ?? 0;
  const end = Math.min(last, from + window);
  const found = await tx.query<{ [K in keyof Entry]: Entry[K] }>(
    `select seq, kind, subject_id as "subjectId", agent_id as "agentId", body from log
     where seq > $1 and seq <= $2 and kind = any($3) order by seq`,
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

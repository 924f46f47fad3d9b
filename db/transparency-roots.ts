import type { Pool } from 'pg';
import { micros } from './instant';
import { systemTx, type Read } from './tx';

/** The root of a day, as it was signed. */
export interface Root {
  day: string;
  rootHash: string;
  prevRootHash: string | null;
  rfc6962Root: string;
  leafCount: number;
  firstId: string | null;
  lastId: string | null;
  /** Of entries up to then. */
  windowEnd: string;
  /** The text that was signed. */
  receipt: string;
  signature: string;
  fingerprint: string;
  computedAt: string;
  /** Its place in the tree of days, its leaf there in hex, and the signed checkpoint that it made; null until the day is sealed. */
  place: number | null;
  dayLeaf: string | null;
  checkpoint: string | null;
}
type Row<T> = T & Record<string, unknown>;

const columns = `root_date::text as day, root_hash as "rootHash", prev_root_hash as "prevRootHash", rfc6962_root as "rfc6962Root",
  leaf_count as "leafCount", first_id as "firstId", last_id as "lastId", ${micros('window_end')} as "windowEnd", receipt, signature,
  fingerprint, ${micros('computed_at')} as "computedAt", day as place, day_leaf as "dayLeaf", checkpoint`;

const one = async (tx: Read, where: string, params: unknown[]): Promise<Root | null> => {
  const { rows } = await tx.query<Row<Root>>(`select ${columns} from transparency_roots ${where} limit 1`, params);
  return rows[0] ?? null;
};
export const rootAt = (tx: Read, day: string): Promise<Root | null> => one(tx, 'where root_date = $1', [day]);
export const lastSealed = (tx: Read): Promise<Root | null> => one(tx, 'where day is not null order by day desc', []);
/** The checkpoint over so many days. */
export const sealedAt = (tx: Read, size: number): Promise<Root | null> => one(tx, 'where day = $1', [size - 1]);

/** Newest first, both ends included. */
export async function rootsBetween(
  tx: Read,
  since: string | null,
  until: string | null,
  limit: number | null,
): Promise<Root[]> {
  const { rows } = await tx.query<Row<Root>>(
    `select ${columns} from transparency_roots
     where root_date >= coalesce($1::date, '-infinity') and root_date <= coalesce($2::date, 'infinity')
     order by root_date desc limit $3`,
    [since, until, limit],
  );
  return rows;
}

/** The leaves of the tree of days, from the first on; `size` of them, or all. */
export async function dayLeaves(tx: Read, size: number | null): Promise<Buffer[]> {
  const { rows } = await tx.query<{ leaf: string }>(
    'select day_leaf as leaf from transparency_roots where day is not null and day < coalesce($1, day + 1) order by day',
    [size],
  );
  return rows.map(({ leaf }) => Buffer.from(leaf, 'hex'));
}

/** In place of what was computed for the day before, unless that is sealed: then the database refuses. */
export async function putRoot(tx: Read, r: Omit<Root, 'computedAt'>): Promise<Root> {
  const { rows } = await tx.query<Row<Root>>(
    `insert into transparency_roots (tenant_id, root_date, root_hash, prev_root_hash, rfc6962_root, leaf_count, first_id, last_id,
       window_end, receipt, signature, fingerprint, day, day_leaf, checkpoint)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
     on conflict (tenant_id, root_date) do update set root_hash = excluded.root_hash, prev_root_hash = excluded.prev_root_hash,
       rfc6962_root = excluded.rfc6962_root, leaf_count = excluded.leaf_count, first_id = excluded.first_id,
       last_id = excluded.last_id, window_end = excluded.window_end, receipt = excluded.receipt, signature = excluded.signature,
       fingerprint = excluded.fingerprint, computed_at = now(), day = excluded.day, day_leaf = excluded.day_leaf,
       checkpoint = excluded.checkpoint
     returning ${columns}`,
    [
      tx.tenantId, r.day, r.rootHash, r.prevRootHash, r.rfc6962Root, r.leafCount, r.firstId, r.lastId, r.windowEnd, r.receipt,
      r.signature, r.fingerprint, r.place, r.dayLeaf, r.checkpoint,
    ],
  ); // prettier-ignore
  return rows[0] as Root;
}

/** Lines by others under the checkpoints of these days. */
export async function cosignaturesOf(tx: Read, days: readonly string[]): Promise<{ day: string; line: string }[]> {
  const { rows } = await tx.query<{ day: string; line: string }>(
    `select root_date::text as day, line from transparency_cosignatures where root_date = any($1::date[]) order by root_date, witness`,
    [days],
  );
  return rows;
}

/** False when this witness has said so before. */
export async function putCosignature(
  tx: Read,
  c: { day: string; witness: string; line: string; at: Date },
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `insert into transparency_cosignatures (tenant_id, root_date, witness, line, at) values ($1, $2, $3, $4, $5)
     on conflict do nothing`,
    [tx.tenantId, c.day, c.witness, c.line, c.at],
  );
  return rowCount === 1;
}

/** Tenants with a day that is over and not sealed. */
export const tenantsUnsealed = (pool: Pool): Promise<string[]> =>
  systemTx(pool, async (client) => {
    const { rows } = await client.query<{ id: string }>('select tenants_unsealed() as id');
    return rows.map((r) => r.id);
  });

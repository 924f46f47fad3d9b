import type { Entry } from '../domain/log';
import { entryColumns, type EntryRow } from './log-queries';
import { boundsOf, equal, type EntryFilter } from './log-search';
import { prepared } from './prepared';
import type { Read } from './tx';

/** Entries that one search looks into. */
export const metadataDepth = 20_000;

export interface FoundByMetadata {
  entries: Entry[];
  /** Of those that were looked into. */
  total: number;
  /** Nothing older could have been missed. */
  complete: boolean;
}

/**
 * Entries whose metadata holds `contains`, newest first: of the newest twenty thousand that fit the filter. No index could tell
 * them under row-level security, so who looks for something older says until when.
 */
export async function searchMetadata(
  tx: Read,
  f: EntryFilter,
  contains: Record<string, unknown>,
  limit: number,
  offset: number,
): Promise<FoundByMetadata> {
  const [low, high] = await boundsOf(tx, f);
  const where = equal(f, 'log_action(kind)');
  where.add((p) => `seq >= ${p}`, low);
  where.add((p) => `seq <= ${p}`, high);
  const [holds, most, skip] = [JSON.stringify(contains), limit, offset].map((v) => `$${where.params.push(v)}`);
  const { rows } = await prepared<{ looked: number; total: number; seqs: number[] }>(
    tx,
    `with looked as materialized (select seq, body from log where ${where.text()} order by seq desc limit ${metadataDepth}),
       found as materialized (select seq from looked
         where case when strpos(body::text, '\\u0000') = 0 then body::jsonb @> ${holds}::jsonb else false end)
     select (select count(*) from looked) as looked, (select count(*) from found) as total,
       array(select seq::int from found order by seq desc limit ${most} offset ${skip}) as seqs`,
    where.params,
  );
  const { looked, total, seqs } = rows[0] ?? { looked: 0, total: 0, seqs: [] };
  const entries = await prepared<EntryRow>(
    tx,
    `select ${entryColumns} from log where seq = any($1::bigint[]) order by seq desc`,
    [seqs],
  );
  return { entries: entries.rows, total, complete: looked < metadataDepth };
}

import { createHash } from 'node:crypto';
import type { QueryResult, QueryResultRow } from 'pg';
import type { Read } from './read';

const names = new Map<string, string>();

/** For a statement that is asked often, of which there are few texts: planned once a connection. */
export function prepared<R extends QueryResultRow>(tx: Read, sql: string, params: unknown[]): Promise<QueryResult<R>> {
  let name = names.get(sql);
  if (name === undefined) {
    name = createHash('sha256').update(sql).digest('base64url');
    names.set(sql, name);
  }
  return tx.query<R>(sql, params, name);
}

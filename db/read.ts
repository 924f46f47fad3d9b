import type { Pool, PoolClient, QueryResult, QueryResultRow } from 'pg';
import { sendBatch, type Statement } from './batch';
import { copyOut, type Fields } from './copy';

/** Inside a transaction of one tenant. Rows of others do not exist here. */
export interface Read {
  readonly tenantId: string;
  /** With a `name` it is planned once a connection: for statements whose planning costs more than their work. */
  query<R extends QueryResultRow = QueryResultRow>(
    sql: string,
    params?: readonly unknown[],
    name?: string,
  ): Promise<QueryResult<R>>;
  /** Each row as it comes, its columns text or JSON: for very many (`copyOut`). */
  copy(select: string, onRow: (row: Fields) => void): Promise<void>;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** @throws TypeError */
export function assertTenant(tenantId: string): void {
  if (!uuid.test(tenantId)) throw new TypeError(`not a tenant: ${tenantId}`);
}

const begin: Statement = {
  name: 'read begin',
  text: 'begin isolation level repeatable read read only',
  values: [],
};
const enter = (tenantId: string): Statement => ({
  name: 'read tenant',
  text: `select set_config('app.tenant', $1, true), set_config('transaction_read_only', 'on', true)`,
  values: [tenantId],
});
/**
 * How what follows is planned, until the transaction ends. What has a name keeps one plan for any parameters (a test looks at
 * them): left to itself, Postgres plans pages anew each time, which takes several times as long as they do. What has none is
 * planned for the parameters that it has.
 */
const planned = (named: boolean): Statement => ({
  name: 'read planned',
  text: `select set_config('plan_cache_mode', $1, true)`,
  values: [named ? 'force_generic_plan' : 'auto'],
});
const commit: Statement = { name: 'read commit', text: 'commit', values: [] };

/** A statement that was asked for and has not gone out yet. */
interface Waiting {
  statement: Statement;
  resolve(answer: QueryResult): void;
  reject(error: Error): void;
}

/** Statements that are asked for in one turn go out in one message; `first` goes in front of the first. */
function asker(client: PoolClient, first: readonly Statement[]): Read['query'] & { begun: boolean } {
  let ahead = first;
  let waiting: Waiting[] = [];
  let failed: Error | null = null;
  let once = false;
  const send = (): void => {
    const asked = waiting;
    const statements = [...ahead];
    [waiting, ahead] = [[], []];
    const places = asked.map(({ statement }) => {
      const named = statement.name !== undefined;
      if (named !== once) statements.push(planned((once = named)));
      return statements.push(statement) - 1;
    });
    sendBatch(client, statements).then(
      (answers) => asked.forEach((w, i) => w.resolve(answers[places[i] as number] as QueryResult)),
      (error: Error) => {
        failed = error;
        for (const w of asked) w.reject(error);
      },
    );
  };
  const query = <R extends QueryResultRow>(
    text: string,
    params: readonly unknown[] = [],
    name?: string,
  ): Promise<QueryResult<R>> =>
    new Promise((resolve, reject) => {
      // The database refuses the rest too; but when the first failed, there is no transaction to refuse it in.
      if (failed) {
        reject(failed);
        return;
      }
      asks.begun = true;
      if (waiting.length === 0) queueMicrotask(send);
      waiting.push({ statement: { text, name, values: [...params] }, resolve: resolve as Waiting['resolve'], reject });
    });
  const asks = Object.assign(query, { begun: false });
  return asks;
}

async function reading<T>(
  pool: Pool,
  tenantId: string,
  first: readonly Statement[],
  last: readonly Statement[],
  work: (tx: Read) => Promise<T>,
): Promise<T> {
  assertTenant(tenantId);
  const client = await pool.connect();
  const query = asker(client, first);
  try {
    const copy: Read['copy'] = async (select, onRow) => {
      if (!query.begun) await query('select'); // what goes in front has gone, and went well
      return copyOut(client, select, onRow);
    };
    return await work({ tenantId, query, copy });
  } finally {
    // Nobody waits for the end: who gets the connection next sends behind it, and one that broke is given to nobody.
    if (query.begun && last.length) sendBatch(client, last).catch(() => undefined);
    // A statement that took too long has ended the connection, and the client does not know yet.
    client.release(client.connection.stream.destroyed);
  }
}

/** Reads in one snapshot. Statements that do not wait for each other go there and back together. */
export const readTx = <T>(pool: Pool, tenantId: string, work: (tx: Read) => Promise<T>): Promise<T> =>
  reading(pool, tenantId, [begin, enter(tenantId)], [commit], work);

/** Reads with a single statement, which is a snapshot by itself: one message there and one back. */
export const readOnce = <T>(pool: Pool, tenantId: string, work: (tx: Read) => Promise<T>): Promise<T> =>
  reading(pool, tenantId, [enter(tenantId)], [], async (tx) => {
    let asked = false;
    return work({
      tenantId,
      copy: () => Promise.reject(new Error('a copy needs a transaction: it would see no tenant')),
      query: (...statement) => {
        if (asked) throw new Error('a second statement would see another snapshot, and no tenant: use a transaction');
        asked = true;
        return tx.query(...statement);
      },
    });
  });

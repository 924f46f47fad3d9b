import type { Pool, PoolClient, QueryResult, QueryResultRow } from 'pg';
import { v7 } from 'uuid';
import { Unavailable } from '../domain/errors';
import type { NewEntry } from '../domain/log';

/** Inside a transaction of one tenant. Rows of others do not exist here. */
export interface Read {
  readonly tenantId: string;
  /** With a `name` it is planned once a connection: for statements whose planning costs more than their work. */
  query<R extends QueryResultRow = QueryResultRow>(
    sql: string,
    params?: readonly unknown[],
    name?: string,
  ): Promise<QueryResult<R>>;
}

export interface Write extends Read {
  /** Says what the transaction did. Appended last, under the tenant's lock, in this order; gives the entry's id. */
  log(entry: NewEntry): string;
}

export interface PendingEntry extends NewEntry {
  id: string;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** `work` answers what the caller gets, and the statements that end the transaction, which go out in one message. */
async function within<T>(
  pool: Pool,
  begin: string,
  work: (client: PoolClient) => Promise<{ result: T; end: string; otherwise?: (e: unknown) => never }>,
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query(begin);
    const { result, end, otherwise } = await work(client);
    const answers = [await client.query(end).catch(otherwise)].flat();
    // A transaction in which a statement failed answers `commit` with a rollback, and with no error.
    if (!answers.some((a) => a.command === 'COMMIT')) throw new Error('a statement of the transaction failed');
    return result;
  } catch (error) {
    await client.query('rollback').catch((e: Error) => (broken = e)); // the connection is gone: so is its transaction
    throw error;
  } finally {
    client.release(broken);
  }
}

/**
 * Returns when all that was committed so far is on disk: its own commit, of nothing but a record in the journal, waits for
 * that, together with everybody else's.
 */
const flush = `select pg_logical_emit_message(true, 'wheelhouse', '')`;

/** For who read rows and now tells somebody outside of them: what a crash could still undo must not be told. */
export const untilOnDisk = async (pool: Pool): Promise<void> => void (await pool.query(flush));

const setTenant = (tenantId: string): string => {
  if (!uuid.test(tenantId)) throw new TypeError(`not a tenant: ${tenantId}`);
  return `set local app.tenant = '${tenantId}'`;
};

const bound = (client: PoolClient, tenantId: string): Read => ({
  tenantId,
  query: (text, params, name) =>
    client.query({ text, ...(name !== undefined && { name }), ...(params && { values: params as unknown[] }) }),
});

/** Reads in one snapshot. */
export const readTx = <T>(pool: Pool, tenantId: string, work: (tx: Read) => Promise<T>): Promise<T> =>
  within(pool, `begin isolation level repeatable read read only; ${setTenant(tenantId)}`, async (client) => ({
    result: await work(bound(client, tenantId)),
    end: 'commit',
  }));

/** A constraint (a request id that is taken) is the writer's to answer; whatever else keeps an entry out is trouble. */
function unlogged(e: unknown): never {
  const code = (e as { code?: unknown }).code;
  if (typeof code !== 'string' || !/^[0-9A-Z]{5}$/.test(code) || code.startsWith('23')) throw e;
  throw Object.assign(
    new Unavailable('the log could not be written, or not confirmed: repeat it with the same Idempotency-Key', {
      retry: true,
    }),
    { cause: e },
  );
}

/** Finishes a transaction: from the entries that it said, the last statements of it. */
export type Append = (tx: Read, entries: PendingEntry[]) => Promise<string>;

/**
 * Writes and their log entries, together or not at all: `append` gets the entries when the work is done. Use it through
 * log/store.ts, which brings the append.
 *
 * The commit does not wait for the disk, so that the tenant's lock, which is held from the append on, is not held for that
 * long; the caller does. The journal is linear: what is lost with a crash is lost with everything that came after it.
 */
export const writeTx = <T>(pool: Pool, tenantId: string, append: Append, work: (tx: Write) => Promise<T>): Promise<T> =>
  within(pool, `begin; ${setTenant(tenantId)}`, async (client) => {
    const read = bound(client, tenantId);
    const entries: PendingEntry[] = [];
    const log = (entry: NewEntry): string => {
      const id = v7();
      entries.push({ ...entry, id });
      return id;
    };
    const result = await work({ ...read, log });
    const last = entries.length ? `${await append(read, entries).catch(unlogged)};` : '';
    const end = `set local synchronous_commit = off; ${last} commit; ${flush}`;
    return { result, end, otherwise: unlogged };
  });

/** Of no tenant: it may list tenants, and nothing else of them. */
export const systemTx = <T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> =>
  within(pool, `begin read only; set local app.system = 'on'`, async (client) => ({
    result: await work(client),
    end: 'commit',
  }));

/** The tenants there are: for work that goes through all of them. */
export const tenantIds = (pool: Pool): Promise<string[]> =>
  systemTx(pool, async (client) => {
    const { rows } = await client.query<{ id: string }>('select id from tenants order by id');
    return rows.map((r) => r.id);
  });

import type { Pool, PoolClient, QueryResult, QueryResultRow } from 'pg';
import { v7 } from 'uuid';
import type { NewEntry } from '../domain/log';

/** Inside a transaction of one tenant. Rows of others do not exist here. */
export interface Read {
  readonly tenantId: string;
  query<R extends QueryResultRow = QueryResultRow>(sql: string, params?: readonly unknown[]): Promise<QueryResult<R>>;
}

export interface Write extends Read {
  /** Says what the transaction did. Appended last, under the tenant's lock, in this order; gives the entry's id. */
  log(entry: NewEntry): string;
}

export interface PendingEntry extends NewEntry {
  id: string;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

async function within<T>(pool: Pool, begin: string, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query(begin);
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch((e: Error) => (broken = e)); // the connection is gone: so is its transaction
    throw error;
  } finally {
    client.release(broken);
  }
}

const setTenant = (tenantId: string): string => {
  if (!uuid.test(tenantId)) throw new TypeError(`not a tenant: ${tenantId}`);
  return `set local app.tenant = '${tenantId}'`;
};

const bound = (client: PoolClient, tenantId: string): Read => ({
  tenantId,
  query: (sql, params) => client.query(sql, params as unknown[]),
});

/** Reads in one snapshot. */
export const readTx = <T>(pool: Pool, tenantId: string, work: (tx: Read) => Promise<T>): Promise<T> =>
  within(pool, `begin isolation level repeatable read read only; ${setTenant(tenantId)}`, (client) =>
    work(bound(client, tenantId)),
  );

/**
 * Writes and their log entries, together or not at all: `append` gets the entries when the work is done. Use it through
 * log/write.ts, which brings the append.
 */
export const writeTx = <T>(
  pool: Pool,
  tenantId: string,
  append: (tx: Read, entries: PendingEntry[]) => Promise<void>,
  work: (tx: Write) => Promise<T>,
): Promise<T> =>
  within(pool, `begin; ${setTenant(tenantId)}`, async (client) => {
    const read = bound(client, tenantId);
    const entries: PendingEntry[] = [];
    const log = (entry: NewEntry): string => {
      const id = v7();
      entries.push({ ...entry, id });
      return id;
    };
    const result = await work({ ...read, log });
    if (entries.length) await append(read, entries);
    return result;
  });

/** The tenants there are: for work that goes through all of them. */
export const tenantIds = async (pool: Pool): Promise<string[]> =>
  within(pool, `begin read only; set local app.system = 'on'`, async (client) => {
    const { rows } = await client.query<{ id: string }>('select id from tenants order by id');
    return rows.map((r) => r.id);
  });

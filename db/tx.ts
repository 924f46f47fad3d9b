import type { Pool, PoolClient, QueryResult } from 'pg';
import { v7 } from 'uuid';
import { Unavailable } from '../domain/errors';
import type { NewEntry } from '../domain/log';
import { copyOut } from './copy';
import { flush, flushes } from './flush';
import { assertTenant, readOnce, type Read } from './read';

export { readOnce, readTx, type Read } from './read';

export interface Write extends Read {
  /** Says what the transaction did. Appended last, under the tenant's lock, in this order; gives the entry's id. */
  log(entry: NewEntry): string;
  /** A statement whose result nobody waits for: it goes out with the transaction's end, before the log is appended. */
  last(statement: Statement): void;
}

export interface PendingEntry extends NewEntry {
  id: string;
}

/** With a `name` it is planned once a connection. */
export interface Statement {
  text: string;
  values?: unknown[];
  name?: string;
}

/** What is asked for in this turn goes out in one write: each is a system call, and wakes the server up. */
function inOneWrite({ connection: { stream } }: PoolClient): void {
  stream.cork();
  process.nextTick(() => stream.uncork());
}

/** What they gave, or the first that failed: when all are over, so that nothing is still asked of the connection. */
async function settled<T extends readonly unknown[]>(all: T): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(all);
  return Promise.all(all);
}

/** `work` answers what the caller gets, and what commits; both go out together with what is asked for around them. */
async function within<T>(
  pool: Pool,
  begin: string,
  work: (client: PoolClient) => Promise<{ result: T; commit: () => Promise<QueryResult> }>,
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    inOneWrite(client);
    const [, { result, commit }] = await settled([client.query(begin), work(client)]);
    inOneWrite(client);
    // A transaction in which a statement failed answers `commit` with a rollback, and with no error.
    if ((await commit()).command !== 'COMMIT') throw new Error('a statement of the transaction failed');
    return result;
  } catch (error) {
    await client.query('rollback').catch((e: Error) => (broken = e)); // the connection is gone: so is its transaction
    throw error;
  } finally {
    client.release(broken);
  }
}

/** For who read rows and now tells somebody outside of them: what a crash could still undo must not be told. */
export const untilOnDisk = (pool: Pool): Promise<void> => flushes(pool).join(() => pool.query(flush));

const setTenant = (tenantId: string): string => {
  assertTenant(tenantId);
  return `set local app.tenant = '${tenantId}'`;
};

const bound = (client: PoolClient, tenantId: string): Read => ({
  tenantId,
  copy: (select, onRow) => copyOut(client, select, onRow),
  query: (text, params, name) =>
    client.query({ text, ...(name !== undefined && { name }), ...(params && { values: params as unknown[] }) }),
});

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

/** Appends the entries that a transaction said, but for the last statement, which goes out with the commit. */
export type Append = (tx: Read, entries: PendingEntry[]) => Promise<Statement>;

/**
 * Writes and their log entries, together or not at all: `append` gets the entries when the work is done. Use it through
 * log/store.ts, which brings the append.
 *
 * The commit does not wait for the disk, so that the tenant's lock, which is held from the append on, is not held for that
 * long; the caller does, together with all others of this process (db/flush.ts). The journal is linear: what is lost with a
 * crash is lost with everything that came after it.
 */
export async function writeTx<T>(
  pool: Pool,
  tenantId: string,
  append: Append,
  work: (tx: Write) => Promise<T>,
): Promise<T> {
  let onDisk: Promise<void> | null = null;
  const result = await within(pool, beginWrite(tenantId), async (client) => {
    const read = bound(client, tenantId);
    const entries: PendingEntry[] = [];
    const statements: Statement[] = [];
    const log = (entry: NewEntry): string => {
      const id = entry.id ?? v7();
      entries.push({ ...entry, id });
      return id;
    };
    const result = await work({ ...read, log, last: (statement) => void statements.push(statement) });
    if (entries.length) statements.push(await append(read, entries).catch(unlogged));
    const commit = async (): Promise<QueryResult> => {
      const ended = await conclude(pool, client, statements);
      onDisk = ended.onDisk;
      return ended.committed;
    };
    return { result, commit: () => commit().catch(unlogged) };
  });
  await (onDisk as Promise<void> | null)?.catch(unlogged);
  return result;
}

const beginWrite = (tenantId: string): string => `begin; ${setTenant(tenantId)}; set local synchronous_commit = off`;

/** The last statements, the commit, and what waits for the disk: `onDisk` where others wait for it already. */
async function conclude(
  pool: Pool,
  client: PoolClient,
  statements: readonly Statement[],
): Promise<{ committed: QueryResult; onDisk: Promise<void> | null }> {
  const disk = flushes(pool);
  const ask = (): Promise<unknown> => client.query(flush);
  const atOnce = disk.idle;
  const before = statements.map((s) => client.query(s));
  const committed = client.query('commit');
  // Sent behind the commit, which may wait long for its tenant's lock: nobody else's flush may wait behind this one meanwhile.
  const flushed = atOnce ? ask() : null;
  const shown = committed.then(() => (flushed && disk.idle ? disk.join(() => flushed) : undefined));
  await settled([...before, committed, flushed, shown]);
  if (atOnce) return { committed: await committed, onDisk: null };
  const [others, done] = [disk.awaited, disk.join(ask)];
  if (others) return { committed: await committed, onDisk: done }; // this connection is not needed for it
  await done;
  return { committed: await committed, onDisk: null };
}

/** Each statement a read of its own. */
const beforehand = (pool: Pool, tenantId: string): Read => ({
  tenantId,
  copy: (...what) => readOnce(pool, tenantId, (tx) => tx.copy(...what)),
  query: (...statement) => readOnce(pool, tenantId, (tx) => tx.query(...statement)),
});

/** Raised by this project's own functions, or the connection's trouble, which says nothing of the log. */
const notOfTheLog = /^(WH|57|08)/;

/** What a transaction writes when all of it is known beforehand: the whole of it goes out at once. */
export async function writeAtOnce(
  pool: Pool,
  tenantId: string,
  append: Append,
  statement: Statement,
  entry: NewEntry,
): Promise<void> {
  const trouble = (e: unknown): never => {
    if (notOfTheLog.test(String((e as { code?: unknown }).code))) throw e;
    return unlogged(e);
  };
  // What it asks, it asks before this transaction, and before a connection is held.
  const last = await append(beforehand(pool, tenantId), [{ ...entry, id: v7() }]).catch(trouble);
  const client = await pool.connect();
  let broken: Error | undefined;
  let onDisk: Promise<void> | null;
  try {
    inOneWrite(client);
    const begun = client.query(beginWrite(tenantId));
    const concluding = conclude(pool, client, [statement, last]);
    await settled([begun, concluding]).catch(trouble);
    const ended = await concluding;
    if (ended.committed.command !== 'COMMIT') throw new Error('a statement of the transaction failed');
    ({ onDisk } = ended);
  } catch (error) {
    await client.query('rollback').catch((e: Error) => (broken = e));
    throw error;
  } finally {
    client.release(broken);
  }
  await onDisk?.catch(unlogged);
}

/** Of no tenant: it may list tenants, and nothing else of them. */
export const systemTx = <T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> =>
  within(pool, `begin read only; set local app.system = 'on'`, async (client) => ({
    result: await work(client),
    commit: () => client.query('commit'),
  }));

/** The tenants there are: for work that goes through all of them. */
export const tenantIds = (pool: Pool): Promise<string[]> =>
  systemTx(pool, async (client) => {
    const { rows } = await client.query<{ id: string }>('select id from tenants order by id');
    return rows.map((r) => r.id);
  });

import type { Pool } from 'pg';
import {
  readOnce, readTx, tenantIds, writeAtOnce, writeTx, type Append, type Read, type Statement, type Write,
} from '../db/tx'; // prettier-ignore
import type { NewEntry } from '../domain/log';
import { saidOf, toAppend } from './chain';
import type { Keyring } from './keys';
import { sealPersons } from './personal';
import { receiptText } from './receipts';

/** The way to the database for everything above it: one tenant a transaction, log entries and receipts with the change. */
export interface Store {
  read: <T>(tenantId: string, work: (tx: Read) => Promise<T>) => Promise<T>;
  /** The same for a single statement, which goes there and back in one message. */
  readOnce: <T>(tenantId: string, work: (tx: Read) => Promise<T>) => Promise<T>;
  /** Row, log entry and receipt commit together or not at all. */
  write: <T>(tenantId: string, work: (tx: Write) => Promise<T>) => Promise<T>;
  /** The same in one round trip, when all of it is known beforehand. */
  writeAtOnce: (tenantId: string, statement: Statement, entry: NewEntry) => Promise<void>;
  tenants: () => Promise<string[]>;
  readonly pool: Pool;
  readonly keyring: Keyring;
}

interface Appended {
  o_seq: number;
  o_id: string;
  o_at: string;
  o_hash: string;
  o_prev: string;
  o_shard: number;
  o_event_hash: string;
  o_event_prev: string;
}

/**
 * Appends, and has the server end this connection when nothing more comes for ten seconds: from here to the commit nobody
 * else of the tenant writes, and the process that would sign may be stopped, or behind a network that is gone.
 */
const held = `select a.* from set_config('idle_in_transaction_session_timeout', '10s', true), append_log($1) a`;

/**
 * The tenant's lock is held from the append to the commit, and that bounds how many entries it can get. Without a receipt
 * both are one message; a receipt is signed over hashes that are known only under the lock, so then it is one more.
 */
const appender =
  (keyring: Keyring): Append =>
  async (tx, pending) => {
    const entries = pending.map((e) => saidOf(tx.tenantId, e));
    await sealPersons(tx, keyring, entries);
    const append = {
      name: 'append log',
      text: 'select * from append_log($1)',
      values: [JSON.stringify(entries.map(toAppend))],
    };
    if (!pending.some((e) => e.receipt)) return append;
    const { rows } = await tx.query<Appended & Record<string, unknown>>(held, append.values, 'append and hold');
    const signed = rows.flatMap((row, i) => {
      const entry = entries[i];
      if (!entry || !pending[i]?.receipt) return [];
      const receipt = receiptText({
        ...entry,
        at: row.o_at,
        eventHash: row.o_event_hash,
        eventPrev: row.o_event_prev,
        chainShard: row.o_shard,
      });
      return [{ id: entry.id, receipt, ...keyring.sign('receipt', receipt) }];
    });
    return {
      name: 'insert receipts',
      text: `insert into receipts (tenant_id, entry_id, receipt, signature, fingerprint)
        select $1, r.id, r.receipt, r.signature, r.fingerprint
        from jsonb_to_recordset($2) as r (id uuid, receipt text, signature text, fingerprint text)`,
      values: [tx.tenantId, JSON.stringify(signed)],
    };
  };

export function createStore(pool: Pool, keyring: Keyring): Store {
  const append = appender(keyring);
  return {
    pool,
    keyring,
    read: (tenantId, work) => readTx(pool, tenantId, work),
    readOnce: (tenantId, work) => readOnce(pool, tenantId, work),
    write: (tenantId, work) => writeTx(pool, tenantId, append, work),
    writeAtOnce: (tenantId, statement, entry) => writeAtOnce(pool, tenantId, append, statement, entry),
    tenants: () => tenantIds(pool),
  };
}

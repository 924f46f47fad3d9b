import { Client } from 'pg';
import { v7 } from 'uuid';
import { withPostgres, type Database } from '../bench/postgres';
import { copyOut } from '../db/copy';
import { appPool } from '../db/pool';
import type { Read } from '../db/tx';
import { system } from '../domain/principal';
import { checkHead, signHead } from '../log/head';
import { loadKeyring } from '../log/keys';
import { createStore } from '../log/store';
import { verifyLog } from '../log/verify';
import { attacks, hasReceipt, rehash } from './log/tamper';
import { independently, rawRows, type RawRow } from './log/verifier';
import { underKills } from './log/under-kills';
import type { Options, Outcome, Proof } from './proof';
import { random } from './random';

const size = 40;
const chainCodes: Record<string, string> = {
  gap: 'gap', time_not_rising: 'time', content_mismatch: 'digest', prev_hash_mismatch: 'prev_hash', hash_mismatch: 'hash',
  shard_mismatch: 'shard', event_prev_mismatch: 'event_prev', event_hash_mismatch: 'event_hash',
}; // prettier-ignore

const asReader = (db: Client, tenantId: string): Read => ({
  tenantId,
  query: (sql, params) => db.query(sql, params as unknown[]),
  copy: (select, onRow) => copyOut(db, select, onRow),
});

/** A small log with receipts, a reader at its end, and its head as it was handed out. */
async function smallLog({ url, tenantId, masterKey }: Database) {
  const pool = appPool(url, 2, () => undefined);
  try {
    const keyring = await loadKeyring(pool, Buffer.from(masterKey, 'base64'));
    const store = createStore(pool, keyring);
    for (let seq = 1; seq <= size; seq += 1) {
      await store.write(tenantId, async (tx) => {
        const call = hasReceipt(seq);
        tx.log({
          kind: call ? 'execution.allow' : 'ticket.note_added', actor: system, subject: { kind: 'ticket', id: v7() },
          requestId: seq % 2 ? null : v7(), receipt: call, tool: call ? 'logs.search' : null, body: { step: seq, nested: { ü: [1.5, null] } },
        }); // prettier-ignore
        await tx.query(
          `insert into cursors (tenant_id, reader, seq) values ($1, 'proof', $2) on conflict (tenant_id, reader) do update set seq = excluded.seq`,
          [tenantId, seq],
        );
      });
    }
    const head = await store.read(tenantId, (tx) => signHead(tx, keyring));
    return { keyring, head: head ?? '' };
  } finally {
    await pool.end();
  }
}

/** Attacks the log in a transaction, verifies it there as the application sees it, and takes the attack back. */
async function tampering(database: Database, { count, seed, say }: Options): Promise<Outcome> {
  const violations: string[] = [];
  const { keyring, head } = await smallLog(database);
  const { tenantId } = database;
  const r = random(seed);
  const db = new Client({ connectionString: database.url });
  await db.connect();
  let byHeadAlone = 0;
  const judge = async (what: string, needsHead: boolean, tampered: boolean): Promise<void> => {
    await db.query(`set local role wheelhouse_app; set local app.tenant = '${tenantId}'`);
    const tx = asReader(db, tenantId);
    const product = await verifyLog(tx, keyring);
    const outside = await checkHead(tx, keyring, head);
    const own = independently((await db.query<RawRow & Record<string, unknown>>(rawRows, [tenantId])).rows);
    const told = product.violations.flatMap((v) => (chainCodes[v.error] ? [`${v.seq} ${chainCodes[v.error]}`] : []));
    if (product.errorCount <= 100 && told.sort().join() !== own.sort().join()) {
      violations.push(`${what}: the product says ${told.join()}, the independent verifier ${own.join()}`);
    }
    const inside = product.errorCount > 0;
    if (tampered && !inside && outside) byHeadAlone += 1;
    if ((inside || outside !== null) !== tampered)
      violations.push(`${what}: ${tampered ? 'not found' : 'found, but nothing was done'}`);
    if (tampered && !needsHead && !inside) violations.push(`${what}: found by the head alone`);
  };
  try {
    await db.query('begin');
    await judge('the log as it was written', false, false);
    await db.query('rollback');
    for (let i = 0; i < count; i += 1) {
      const attack = r.pick(attacks)(size, r);
      await db.query('begin; set local session_replication_role = replica');
      const { rowCount } = await db.query(attack.sql, attack.params);
      await db.query('update log set seq = seq - 1000000 where seq > 1000000');
      if (attack.rehash) await rehash(db, tenantId);
      const what = `${attack.name} ${attack.params.join()}`;
      if (!rowCount && !attack.sql.startsWith('with')) violations.push(`${what}: changed nothing`);
      await judge(what, attack.needsHead ?? false, true);
      await db.query('rollback');
      if (i % 1000 === 999) say(`${i + 1} tamperings`);
    }
  } finally {
    await db.end();
  }
  return { figures: { tamperings: count, by_head_alone: byHeadAlone }, violations };
}

export const log: Proof = {
  title: 'the log neither forks nor loses an acknowledged write, and every tampering with it is found',
  quick: 60,
  run: async (options) => {
    const killed = await underKills(options);
    const tampered = await withPostgres((database) => tampering(database, options));
    return {
      figures: { ...killed.figures, ...tampered.figures },
      violations: [...killed.violations, ...tampered.violations],
    };
  },
};

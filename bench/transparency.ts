import { Client } from 'pg';
import type { Config } from '../config';
import { appPool } from '../db/pool';
import { system } from '../domain/principal';
import { loadKeyring } from '../log/keys';
import { climb } from '../log/merkle';
import { inclusionOf } from '../log/root-proofs';
import { computeToday, growTrees } from '../log/roots';
import { createStore } from '../log/store';
import { withPostgres, type Database } from './postgres';
import { median, percentile, type Row } from './row';

const leaves = Number(process.env['BENCH_ROWS'] ?? 1_000_000);
const reachMs = 50;

/** Entries of one day with receipts of the size that they have; nothing here looks at their signatures. */
async function fill({ url, tenantId }: Database): Promise<void> {
  const owner = new Client({ connectionString: url });
  await owner.connect();
  try {
    await owner.query(`set session_replication_role = replica; set app.tenant = '${tenantId}'`);
    await owner.query(
      `insert into log select $1, n, gen_random_uuid(), date_trunc('day', now(), 'UTC') + n * interval '1 microsecond', 'execution.allow',
         '{}', 'execution', n::text, null, null, null, null, null, 'logs.search', 'allow', null, null, null, '{}', repeat('0', 64),
         repeat('0', 64), repeat('0', 64), 0, repeat('0', 64), repeat('0', 64)
       from generate_series(1, $2::int) n`,
      [tenantId, leaves],
    );
    await owner.query(
      `insert into receipts select tenant_id, id, '{"execution_id":"' || id || '","pad":"' || repeat('x', 600) || '"}',
         repeat('A', 86), (select fingerprint from signing_keys where purpose = 'receipt') from log`,
    );
    await owner.query('analyze log, receipts');
  } finally {
    await owner.end();
  }
}

/** A day of so many receipts: how its trees grow, what its root takes then, and what a proof does. */
export const transparency = (_config: Config, seconds: number): Promise<Row[]> =>
  withPostgres(async (database) => {
    await fill(database);
    const { url, tenantId, masterKey } = database;
    const pool = appPool(url, 2, (e) => process.stderr.write(`${e.message}\n`));
    try {
      const keyring = await loadKeyring(pool, Buffer.from(masterKey, 'base64'));
      const kit = { store: createStore(pool, keyring), keyring, origin: 'bench' };
      let from = performance.now();
      await growTrees(kit, tenantId);
      const grown = (performance.now() - from) / 1000;
      from = performance.now();
      const root = await computeToday(kit, tenantId, system);
      const computed = performance.now() - from;
      const { rows } = await kit.store.read(tenantId, (tx) =>
        tx.query<{ id: string }>('select id from log where seq = any($1)', [
          Array.from({ length: 1000 }, () => 1 + Math.floor(Math.random() * leaves)),
        ]),
      );
      const took: number[] = [];
      for (const until = performance.now() + seconds * 1000; performance.now() < until;) {
        const { id = '' } = rows[took.length % rows.length] ?? {};
        const start = performance.now();
        const { rfc6962: proof } = await kit.store.read(tenantId, (tx) => inclusionOf(tx, id));
        took.push(performance.now() - start);
        const path = proof?.path.map((h) => Buffer.from(h, 'hex')) ?? [];
        const at = proof && climb(Buffer.from(proof.leaf_hash, 'hex'), proof.index, proof.size, path);
        if (at?.toString('hex') !== root?.rfc6962Root) throw new Error(`the proof of ${id} does not come to the root`);
      }
      const p99 = percentile(took, 0.99);
      return [
        {
          what: `trees over ${leaves} receipts, both recipes`,
          measured: `${(leaves / grown).toFixed(0)} receipts/s`,
          beside: '',
          reach: '',
          reached: null,
        },
        {
          what: `the root of that day, trees grown`,
          measured: `${computed.toFixed(0)} ms`,
          beside: '',
          reach: '',
          reached: null,
        },
        {
          what: `an inclusion proof of one of them, both recipes, checked`,
          measured: `p50 ${median(took).toFixed(1)}, p99 ${p99.toFixed(1)} ms (${took.length} proofs)`,
          beside: '',
          reach: `p99 < ${reachMs} ms`,
          reached: p99 < reachMs,
        },
      ];
    } finally {
      await pool.end();
    }
  });

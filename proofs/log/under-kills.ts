import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { v7 } from 'uuid';
import type { Database } from '../../bench/postgres';
import { root } from '../../config';
import { appPool } from '../../db/pool';
import { loadKeyring } from '../../log/keys';
import { createStore } from '../../log/store';
import { verifyLog } from '../../log/verify';
import type { Options, Outcome } from '../proof';
import { random } from '../random';
import { independently, rawRows, type RawRow } from './verifier';
import type { WriterJob } from './writer';

const processes = 3;
const writers = 64;
/** As many new acknowledgements between two kills, so that each meets writers at work. */
const between = 150;

/** 64 writers in each of three processes; one of them or Postgres is killed, again and again; then everything is compared. */
export async function underKills(database: Database, { count, seed, say }: Options): Promise<Outcome> {
  const kills = Math.max(4, Math.round(count / 250));
  const r = random(seed);
  const { url, tenantId, masterKey } = database;
  const ticketId = v7();
  await as(url, (owner) =>
    owner.query(
      `insert into tickets (id, tenant_id, title, description, ticket_class, status, created_by) values ($1, $2, 'proof', '', 'Incident', 'new', '{}')`,
      [ticketId, tenantId],
    ),
  );
  const acknowledged: string[] = [];
  const job: WriterJob = { url, masterKey, tenantId, ticketId, writers };
  const start = (): ChildProcess => {
    const child = spawn(process.execPath, [join(root, 'dist/proofs/log/writer.js'), JSON.stringify(job)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    createInterface(child.stdout).on('line', (key) => acknowledged.push(key));
    return child;
  };
  const running = Array.from({ length: processes }, start);
  const enough = async (): Promise<void> => {
    const until = acknowledged.length + between;
    const late = Date.now() + 120_000;
    while (acknowledged.length < until) {
      if (Date.now() > late) throw new Error('nothing was acknowledged for two minutes');
      await delay(20);
    }
  };
  let postgres = 0;
  try {
    for (let n = 0; n < kills; n += 1) {
      await enough();
      if (n % 4 === 1) {
        process.kill(Number(readFileSync(database.pidFile, 'utf8').split('\n')[0]), 'SIGKILL');
        postgres += 1;
        continue;
      }
      const i = r.below(processes);
      await end(running[i], 'SIGKILL');
      running[i] = start();
    }
    await enough();
  } finally {
    await Promise.all(running.map((child) => end(child, 'SIGTERM')));
  }
  say(`${kills} kills, ${acknowledged.length} writes acknowledged`);
  return {
    figures: { kills, postgres_kills: postgres, acknowledged: acknowledged.length },
    violations: await compare(database, acknowledged),
  };
}

/** Acknowledgements, rows, entries, and what both verifiers say of them. */
async function compare({ url, tenantId, masterKey }: Database, acknowledged: readonly string[]): Promise<string[]> {
  const violations: string[] = [];
  const { log, notes } = await as(url, async (owner) => ({
    log: (await owner.query<RawRow & Record<string, unknown>>(rawRows, [tenantId])).rows,
    notes: (
      await owner.query<{ key: string }>('select external_ref as key from ticket_notes where tenant_id = $1', [
        tenantId,
      ])
    ).rows,
  }));
  const entries = new Set(log.map((e) => e.request_id));
  const rows = new Set(notes.map((n) => n.key));
  if (entries.size !== log.length || rows.size !== notes.length) violations.push('a write is there twice');
  for (const key of acknowledged) if (!entries.has(key)) violations.push(`acknowledged, but not in the log: ${key}`);
  for (const key of entries) if (key === null || !rows.has(key)) violations.push(`an entry without its row: ${key}`);
  for (const key of rows) if (!entries.has(key)) violations.push(`a row without its entry: ${key}`);
  violations.push(...independently(log).map((v) => `independent verifier: ${v}`));
  const pool = appPool(url, 2, () => undefined);
  try {
    const keyring = await loadKeyring(pool, Buffer.from(masterKey, 'base64'));
    const found = await createStore(pool, keyring).read(tenantId, (tx) => verifyLog(tx, keyring));
    violations.push(...found.violations.map((v) => `product's verifier: ${v.seq} ${v.error}`));
    if (found.rowsChecked !== log.length) violations.push(`the product checked ${found.rowsChecked} of ${log.length}`);
  } finally {
    await pool.end();
  }
  return violations;
}

async function as<T>(url: string, work: (owner: Client) => Promise<T>): Promise<T> {
  const owner = new Client({ connectionString: url });
  await owner.connect();
  try {
    return await work(owner);
  } finally {
    await owner.end();
  }
}

async function end(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, 'close'); // its last lines are read by then
  child.kill(signal);
  await closed;
}

import { v7 } from 'uuid';
import { appPool } from '../../db/pool';
import type { Read } from '../../db/tx';
import { system } from '../../domain/principal';
import { sha256 } from '../../log/canonical';
import { loadKeyring } from '../../log/keys';
import { createStore, type Store } from '../../log/store';
import { verifyLog } from '../../log/verify';
import type { Database } from '../postgres';
import { median, type Row } from '../row';

const rounds = 3;
const reach = 100_000;
const entries = 50_000;
const calls = 5_000;
const batch = 500;

/** Entries of two kinds, notes and steps; or calls of tools, each with its receipt. */
async function fill(store: Store, tenantId: string, n: number, receipt: boolean): Promise<void> {
  for (let from = 0; from < n; from += batch) {
    await store.write(tenantId, (tx) => {
      for (let i = from; i < from + batch; i += 1) {
        const id = v7();
        const common = { actor: system, ticketId: id, body: { n: i, why: 'the errors began at 12:03', findings: [] } };
        if (receipt || i % 2) {
          const call = { tool: 'logs.search', agentId: id, runId: id, requestId: `${id}:1`, receipt };
          const kind = receipt ? 'execution.allow' : 'run.observed';
          tx.log({ ...common, ...call, kind, subject: { kind: 'execution', id: `${id}:1` } });
        } else tx.log({ ...common, kind: 'ticket.note_added', subject: { kind: 'ticket', id } });
      }
      return Promise.resolve();
    });
  }
}

/** The least that a verifier has to do: read every row, and hash it once. */
async function floor(tx: Read): Promise<number> {
  let n = 0;
  for (let seq = 0; ;) {
    const { rows } = await tx.query<{ seq: number; row: string }>(
      'select seq, l::text as row from log l where seq > $1 order by seq limit $2',
      [seq, batch],
    );
    for (const { row } of rows) sha256(row);
    n += rows.length;
    seq = rows.at(-1)?.seq ?? seq;
    if (rows.length < batch) return n;
  }
}

/** Entries a second by the product's verifier, beside the floor; then of a log in which each has a receipt. */
export async function verification({ url, tenantId, masterKey }: Database): Promise<Row[]> {
  const pool = appPool(url, 2, (e) => process.stderr.write(`${e.message}\n`));
  try {
    const keyring = await loadKeyring(pool, Buffer.from(masterKey, 'base64'));
    const store = createStore(pool, keyring);
    const rate = async (work: (tx: Read) => Promise<number>): Promise<number> => {
      const from = performance.now();
      const n = await store.read(tenantId, work);
      return n / ((performance.now() - from) / 1000);
    };
    const verify = async (tx: Read): Promise<number> => {
      const { rowsChecked, errorCount } = await verifyLog(tx, keyring);
      if (errorCount) throw new Error(`the log does not verify: ${errorCount} violations`);
      return rowsChecked;
    };
    const measured = { verify: [] as number[], floor: [] as number[] };
    await fill(store, tenantId, entries, false);
    for (let round = 0; round < rounds; round += 1) {
      measured.floor.push(await rate(floor));
      measured.verify.push(await rate(verify));
    }
    const [verified, read] = [median(measured.verify), median(measured.floor)];
    await fill(store, tenantId, calls, true);
    const before = entries / verified;
    const all = (entries + calls) / (await rate(verify));
    return [
      {
        what: `verification of ${entries} entries`,
        measured: `${verified.toFixed(0)} entries/s`,
        beside: `reading them and one sha256 each ${read.toFixed(0)}/s: ${(verified / read).toFixed(2)}`,
        reach: `≥ ${reach}/s`,
        reached: verified >= reach,
      },
      {
        what: `verification of ${calls} entries with receipts, Ed25519 each`,
        measured: `${(calls / (all - before)).toFixed(0)} entries/s`,
        beside: 'in the same log',
        reach: '',
        reached: null,
      },
    ];
  } finally {
    await pool.end();
  }
}

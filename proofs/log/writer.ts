import { writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { v7 } from 'uuid';
import { appPool } from '../../db/pool';
import { writeNote } from '../../db/notes';
import { system } from '../../domain/principal';
import { loadKeyring, type Keyring } from '../../log/keys';
import { createStore } from '../../log/store';

/** What a writing process is told. */
export interface WriterJob {
  url: string;
  masterKey: string;
  tenantId: string;
  ticketId: string;
  writers: number;
}

/** Writes until it is ended or killed; a line on stdout for each write that was acknowledged. */
async function main(): Promise<void> {
  const job = JSON.parse(process.argv[2] ?? '') as WriterJob;
  const pool = appPool(job.url, 16, () => undefined); // a killed server breaks them; the statement that fails counts
  const masterKey = Buffer.from(job.masterKey, 'base64');
  const open = (): Promise<Keyring> => loadKeyring(pool, masterKey).catch(() => delay(50).then(open)); // it may be down now
  const store = createStore(pool, await open());
  let ending = false;
  process.once('SIGTERM', () => (ending = true));
  const { tenantId, ticketId } = job;
  const loop = async (_: unknown, n: number): Promise<void> => {
    while (!ending) {
      const key = v7();
      try {
        await store.write(tenantId, async (tx) => {
          const note = { ticketId, key, source: 'proof', author: 'proof', actor: system, body: key, externalRef: key };
          await writeNote(tx, note);
          const subject = { kind: 'ticket' as const, id: ticketId };
          tx.log({
            kind: 'ticket.note_added',
            actor: system,
            subject,
            requestId: key,
            body: { n },
            receipt: n % 8 === 0,
          });
        });
        writeSync(1, `${key}\n`);
      } catch {
        await delay(20); // nobody was told that it was done: it may be, or not
      }
    }
  };
  await Promise.all(Array.from({ length: job.writers }, loop));
  await pool.end();
}

void main();

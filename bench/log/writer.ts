import { v7 } from 'uuid';
import { appPool } from '../../db/pool';
import { insertExecution } from '../../db/executions';
import { writeNote } from '../../db/notes';
import { system } from '../../domain/principal';
import { loadKeyring } from '../../log/keys';
import { createStore } from '../../log/store';
import { createRecorder, doneOf } from '../../pipeline/record';
import type { Done, Job, Round } from './job';

/** One process that writes: `npm run bench -- log` starts one or two of them. */
async function main(): Promise<void> {
  const job = JSON.parse(process.argv[2] ?? '') as Job;
  const pool = appPool(job.url, job.connections, (e) => process.stderr.write(`${e.message}\n`));
  const store = createStore(pool, await loadKeyring(pool, Buffer.from(job.masterKey, 'base64')));
  const { tenantId, ticketId, agentId } = job;
  const record = createRecorder(store);

  const forms: Record<Round['form'], () => Promise<unknown>> = {
    note: () =>
      store.write(tenantId, async (tx) => {
        const key = v7();
        const note = { ticketId, key, source: 'agent', author: 'bench', actor: system, body: 'disk full on web-1' };
        await writeNote(tx, note);
        tx.log({ kind: 'ticket.note_added', actor: system, subject: { kind: 'ticket', id: ticketId }, ticketId, body: { note: key } }); // prettier-ignore
      }),
    receipt: () =>
      store.write(tenantId, async (tx) => {
        const ownerId = v7();
        const id = tx.log({
          kind: 'execution.allow', actor: system, subject: { kind: 'execution', id: `${ownerId}:1` }, ticketId, agentId, tool: 'logs.search',
          requestId: `${ownerId}:1`, receipt: true, body: { step: 1, why: 'bench', risk_score: 3, findings: [], reasons: [] },
        }); // prettier-ignore
        await insertExecution(tx, { ownerId, agentId, ticketId }, {
          id, step: 1, tool: 'logs.search', args: { query: 'error' }, argsDigest: '0', why: 'bench', decision: 'allow', risk: 3, findings: [],
          reasons: [], stages: [], result: { lines: 3 }, resultDigest: '0', error: null, startedAt: new Date().toISOString(), durationMs: 1,
        }); // prettier-ignore
      }),
    step: () =>
      record(
        doneOf(
          {
            tenantId, actor: system, scopes: [], agentId, owner: { kind: 'run', id: v7(), step: 1 }, ticketId: null, tool: 'logs.search',
            args: { query: 'error' }, why: 'bench', gateId: null,
          },
          Date.now(),
          { decision: 'allow', risk: 3, findings: [], reasons: [], stages: [], error: null, result: { lines: 3 } },
        ),
      ), // prettier-ignore
    plain: async () => {
      const client = await pool.connect();
      try {
        await client.query('begin');
        await client.query('insert into bench_rows values ($1, $2)', [v7(), 'disk full on web-1']);
        await client.query('insert into bench_rows values ($1, $2)', [v7(), 'disk full on web-1']);
        await client.query('commit');
      } finally {
        client.release();
      }
    },
  };

  process.on('message', ({ form, seconds, writers }: Round) => {
    const write = forms[form];
    const from = performance.now();
    const cpu = process.cpuUsage();
    const until = from + seconds * 1000;
    let writes = 0;
    const loop = async (): Promise<void> => {
      for (; performance.now() < until; writes += 1) await write();
    };
    void Promise.all(Array.from({ length: writers }, loop)).then(() => {
      const { user, system: kernel } = process.cpuUsage(cpu);
      const done: Done = { writes, seconds: (performance.now() - from) / 1000, cpuSeconds: (user + kernel) / 1e6 };
      process.send?.(done);
    });
  });
  process.send?.('ready');
}

void main();

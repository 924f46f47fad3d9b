import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Client } from 'pg';
import { v7 } from 'uuid';
import { root, type Config } from '../config';
import type { Done, Job, Round } from './log/job';
import { verification } from './log/verification';
import { withPostgres, type Database } from './postgres';
import { median, type Row } from './row';

const rounds = 3;
/** Together over all processes, more than their connections: as many as a busy installation has. */
const writers = 64;
const connections = 32;
const reach = 1_500;

/** Appends of one tenant, each with its row, from one process and from two; beside them two plain inserts. */
async function appends(database: Database, seconds: number): Promise<Row[]> {
  const job = await prepare(database);
  const rows: Row[] = [];
  for (const processes of [1, 2]) {
    const children = await Promise.all(
      Array.from({ length: processes }, () => start({ ...job, connections: connections / processes })),
    );
    const measure = (form: Round['form'], s: number): Promise<number> => together(children, form, s);
    const found = { note: [] as number[], receipt: [] as number[], step: [] as number[], plain: [] as number[] };
    const forms = ['note', 'receipt', 'step', 'plain'] as const;
    try {
      for (const form of forms) await measure(form, 0.5);
      for (let round = 0; round < rounds; round += 1) {
        for (const form of forms) found[form].push(await measure(form, seconds));
      }
    } finally {
      await Promise.all(children.map(end));
    }
    const plain = median(found.plain);
    const whats = {
      note: 'a note',
      receipt: 'an execution with receipt, by itself',
      step: 'executions with receipts, as the pipeline writes them',
    };
    for (const [form, what] of Object.entries(whats)) {
      const rate = median(found[form as keyof typeof found]);
      rows.push({
        what: `log append, one tenant: ${what}, ${writers} writers in ${processes} process${processes > 1 ? 'es' : ''}`,
        measured: `${rate.toFixed(0)}/s`,
        beside: `two plain inserts ${plain.toFixed(0)}/s: ${(rate / plain).toFixed(2)}`,
        reach: `≥ ${reach}/s`,
        reached: rate >= reach,
      });
    }
  }
  return rows;
}

export const log = (_config: Config, seconds: number): Promise<Row[]> =>
  withPostgres(async (database) => [
    ...(await appends(database, seconds)),
    ...(await withPostgres((fresh) => verification(fresh))),
  ]);

/** The ticket to write on, and a table without any of ours. */
async function prepare({ url, tenantId, masterKey }: Database): Promise<Omit<Job, 'connections'>> {
  const owner = new Client({ connectionString: url });
  await owner.connect();
  try {
    await owner.query(
      'create table bench_rows (id uuid primary key, body text); grant insert on bench_rows to wheelhouse_app',
    );
    const ticketId = v7();
    await owner.query(
      `insert into tickets (id, tenant_id, title, description, ticket_class, status, priority, provider, provider_sync_status, security_classification, access_scope, created_by)
       values ($1, $2, 'bench', '', 'Incident', 'in_progress', '2', 'local', 'local_only', 'internal', '{}', '{}')`,
      [ticketId, tenantId],
    );
    const { rows } = await owner.query<{ id: string }>('select id from agents where tenant_id = $1', [tenantId]);
    return { url, masterKey, tenantId, ticketId, agentId: rows[0]?.id ?? '' };
  } finally {
    await owner.end();
  }
}

async function start(job: Job): Promise<ChildProcess> {
  const child = fork(join(root, 'dist/bench/log/writer.js'), [JSON.stringify(job)]);
  await once(child, 'message');
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

/** Writes a second, of all processes together. */
async function together(children: ChildProcess[], form: Round['form'], seconds: number): Promise<number> {
  const done = await Promise.all(
    children.map(async (child) => {
      const answer = once(child, 'message') as Promise<[Done]>;
      child.send({ form, seconds, writers: writers / children.length } satisfies Round);
      return (await answer)[0];
    }),
  );
  return done.reduce((sum, d) => sum + d.writes / d.seconds, 0);
}

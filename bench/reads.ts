import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { root, type Config } from '../config';
import { ensureUser, insertKey } from '../log/provision';
import type { Job, Load } from './reads/load';
import { questions, type Question } from './reads/questions';
import { seedRows } from './reads/seed';
import { cpuSince, usedCpu } from './cpu';
import { appPool } from '../db/pool';
import { pageOfGates } from '../db/changes';
import { searchEntries } from '../db/log-search';
import { listTickets } from '../db/ticket-queries';
import { readTx, type Read } from '../db/tx';
import type { Row } from './row';
import { withStack, type Stack } from './stack';

const count = Number(process.env['BENCH_ROWS'] ?? 1_000_000);
const callers = 50;
const reach = { perSecond: 2_000, p99: 20 };

/**
 * Reads over HTTP against the API as it is started, with credentials, row-level security and limits, in a tenant of a
 * million tickets, gates and log entries: as many as 50 callers get, and how long each takes at 2,000 a second.
 */
export async function reads(config: Config, seconds: number): Promise<Row[]> {
  return withStack(config, async (stack) => {
    const { local } = stack;
    const from = performance.now();
    const seeded = await seedRows(local.database_url, local.tenant_id, count);
    const took = (performance.now() - from) / 1000;
    process.stderr.write(`${count} rows of each in ${took.toFixed(0)} s\n`);
    const tokens = await keys(stack);
    const load = await child('load');
    const bare = await child('bare');
    try {
      const target = new URL(local.url);
      const job = { host: target.hostname, port: Number(target.port), tokens, callers, seconds };
      const floor = await answered(load.process, { ...job, port: bare.said as number, paths: ['/'], rate: null });
      const rows: Row[] = await straight(stack, seconds);
      for (const question of questions(seeded, count)) rows.push(await measured(load.process, job, question, floor));
      return rows;
    } finally {
      for (const c of [load, bare]) c.process.disconnect();
    }
  });
}

/** A credential for each caller: nobody shares what was looked up for another. */
async function keys({ owner, local }: Stack): Promise<string[]> {
  const tenantId = local.tenant_id;
  const userId = await ensureUser(owner, tenantId, 'reader@local.test', 'unused-password', 'ADMIN');
  const made: string[] = [];
  for (let i = 0; i < callers; i += 1)
    made.push(await insertKey(owner, { tenantId, name: `reader ${i}`, role: 'ADMIN', userId }));
  return made;
}

async function child(name: string): Promise<{ process: ChildProcess; said: unknown }> {
  const process = fork(join(root, `dist/bench/reads/${name}.js`));
  const [said] = (await once(process, 'message')) as [unknown];
  return { process, said };
}

async function answered(load: ChildProcess, job: Job): Promise<Load> {
  load.send(job);
  const [found] = (await once(load, 'message')) as [Load];
  return found;
}

type Target = Omit<Job, 'paths' | 'rate'>;

async function measured(load: ChildProcess, job: Target, { what, paths, judged }: Question, floor: Load): Promise<Row> {
  await answered(load, { ...job, paths, rate: 100, seconds: 1 });
  const before = usedCpu();
  const closed = await answered(load, { ...job, paths, rate: null });
  const used = cpuSince(before);
  const each = (part: string): string => ((used.get(part) ?? 0) / (closed.perSecond * job.seconds)).toFixed(2);
  const paced = await answered(load, { ...job, paths, rate: reach.perSecond });
  const refused = closed.refused + paced.refused;
  process.stderr.write(`${what}: ${closed.perSecond.toFixed(0)}/s, p99 ${paced.p99.toFixed(1)} ms\n`);
  return {
    what,
    measured:
      `${closed.perSecond.toFixed(0)}/s (p99 ${closed.p99.toFixed(1)}); paced ${paced.perSecond.toFixed(0)}/s: ` +
      `p50 ${paced.p50.toFixed(1)}, p99 ${paced.p99.toFixed(1)} ms; ` +
      `CPU ms a read: api ${each('api')}, postgres ${each('postgres')}, generator ${((closed.cores / closed.perSecond) * 1000).toFixed(2)}` +
      (refused ? `; ${refused} answers were not 200` : ''),
    beside: `a constant ${floor.perSecond.toFixed(0)}/s: ${(closed.perSecond / floor.perSecond).toFixed(2)}`,
    reach: judged ? `≥ ${reach.perSecond}/s, p99 ≤ ${reach.p99} ms` : '',
    reached: judged ? !refused && closed.perSecond >= reach.perSecond && paced.p99 <= reach.p99 : null,
  };
}

/** The statements of the first pages without HTTP and credentials: what Postgres and its driver can do here. */
async function straight({ local }: Stack, seconds: number): Promise<Row[]> {
  const failed: Error[] = [];
  const pool = appPool(local.database_url, 16, (e) => failed.push(e));
  const tickets = {
    only: null, status: null, priority: null, assignee: null, assigned: null, agentState: null, provider: null, text: null,
    sortBy: 'id', descending: true, limit: 20, offset: 0,
  } as const; // prettier-ignore
  const gates = { only: null, status: null, agent: null, ticket: null };
  const entries = { agentId: null, action: null, decision: null, tool: null, from: null, to: null };
  const pages: [string, (tx: Read) => Promise<unknown>][] = [
    ['tickets', (tx) => listTickets(tx, tickets)],
    ['changes', (tx) => pageOfGates(tx, gates, 20, 0)],
    ['audit', (tx) => searchEntries(tx, entries, 20, 0)],
  ];
  const rows: Row[] = [];
  try {
    for (const [what, page] of pages) {
      const until = performance.now() + seconds * 1000;
      const before = usedCpu();
      let n = 0;
      await Promise.all(
        Array.from({ length: callers }, async () => {
          for (; performance.now() < until; n += 1) await readTx(pool, local.tenant_id, page);
        }),
      );
      const cpu = (cpuSince(before).get('postgres') ?? 0) / n;
      const measured = `${(n / seconds).toFixed(0)}/s; CPU ms a read: postgres ${cpu.toFixed(2)}`;
      rows.push({ what: `${what}, first page, by the driver alone`, measured, beside: '', reach: '', reached: null });
    }
  } finally {
    await pool.end();
  }
  if (failed[0]) throw failed[0];
  return rows;
}

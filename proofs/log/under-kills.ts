import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { v7 } from 'uuid';
import { root } from '../../config';
import { withCluster, type Cluster } from '../cluster/cluster';
import type { Options, Outcome } from '../proof';
import { random } from '../random';
import { until } from '../until';
import { calling } from './callers';
import { compare } from './compare';
import { stopHolding } from './held';
import type { WriterJob } from './writer';

const processes = 3;
/** In each of the processes; and as many callers of the APIs, which do the same over HTTP. */
const writers = 64;
/** As many new acknowledgements between two attacks, so that each meets writers at work. */
const between = 150;
/** Every so many attacks are of a writer that hangs while it holds the log, and every so many of Postgres. */
const every = { hang: 10, postgres: 4 };

/** A process that writes past HTTP; `name` is what its connections are called. */
interface Writer {
  name: string;
  child: ChildProcess;
}

/**
 * 64 writers in each of three processes, and 64 callers of two APIs; one of the processes, an API or Postgres is killed, or
 * a writer hangs with the log in its hand, again and again; then everything is compared.
 */
export async function underKills({ config, form, count, seed, say }: Options): Promise<Outcome> {
  return withCluster({ config, form, apis: 2, workers: 0 }, async (c) => {
    const attacks = Math.max(6, Math.round(count / 250));
    const r = random(seed);
    const acknowledged: string[] = [];
    const start = await writing(c, acknowledged);
    const running = Array.from({ length: processes }, (_, i) => start(`writer-${i}`));
    const callers = await calling(c.apiUrls, c.token, writers);
    const enough = async (what: string): Promise<void> => {
      const [direct, http] = [acknowledged.length + between, callers.acknowledged.length + between / 3];
      await soon(
        `both kinds of writers to go on after ${what}`,
        () => acknowledged.length >= direct && callers.acknowledged.length >= http,
      );
    };
    const tally = { postgres: 0, api: 0, writer: 0, hang: 0 };
    try {
      await enough('their start');
      for (let n = 0; n < attacks; n += 1) {
        const kind = kindOf(n);
        tally[kind] += 1;
        if (kind === 'hang') await hang(c, r.pick(running), callers, say);
        else if (kind === 'writer') {
          const i = r.below(processes);
          const { child, name } = running[i] as Writer;
          await end(child, 'SIGKILL');
          running[i] = start(name);
        } else {
          const part = kind === 'postgres' ? c.parts.postgres : r.pick(c.parts.apis);
          await part.kill();
          await part.start();
        }
        await enough(kind);
      }
    } finally {
      await Promise.all([callers.stop(), ...running.map(({ child }) => end(child, 'SIGTERM'))]);
    }
    say(`${attacks} attacks, ${acknowledged.length} writes acknowledged, ${callers.acknowledged.length} over HTTP`);
    return {
      figures: {
        kills: attacks - tally.hang, of_postgres: tally.postgres, of_apis: tally.api, hung_with_the_log: tally.hang,
        acknowledged: acknowledged.length, acknowledged_over_http: callers.acknowledged.length, told_to_come_back: callers.told,
      }, // prettier-ignore
      violations: [...callers.wrong, ...(await compare(c, [...acknowledged, ...callers.acknowledged]))],
    };
  });
}

const kindOf = (n: number): 'hang' | 'postgres' | 'api' | 'writer' =>
  n % every.hang === 2 ? 'hang' : n % every.postgres === 1 ? 'postgres' : n % every.postgres === 3 ? 'api' : 'writer';

/**
 * Until the database lets go of it, nobody writes, and callers are told to come back; then all go on, though it still hangs.
 * @throws Error naming what did not come
 */
async function hang(c: Cluster, { child, name }: Writer, callers: { told: number }, say: Options['say']) {
  const owner = await c.owner();
  const entries = async (): Promise<number> =>
    (await owner.query<{ n: number }>('select count(*)::int as n from log where tenant_id = $1', [c.tenantId])).rows[0]
      ?.n ?? 0;
  await stopHolding(owner, c.tenantId, child, name);
  const from = performance.now();
  const [told, stood] = [callers.told, await entries()];
  await soon(`callers to be told to come back while ${name} holds the log`, () => callers.told > told);
  const after = performance.now() - from;
  await soon(`the log to go on while ${name} hangs`, async () => (await entries()) > stood);
  say(`${name} held the log: 503 after ${after.toFixed(0)} ms, others went on after ${(performance.now() - from).toFixed(0)} ms`); // prettier-ignore
  child.kill('SIGCONT');
}

/** Starts writing processes, whose acknowledgements are collected. */
async function writing(c: Cluster, acknowledged: string[]): Promise<(name: string) => Writer> {
  const ticketId = v7();
  await (
    await c.owner()
  ).query(
    `insert into tickets (id, tenant_id, title, description, ticket_class, status, created_by) values ($1, $2, 'proof', '', 'Incident', 'new', '{}')`,
    [ticketId, c.tenantId],
  );
  return (name) => {
    const url = `${c.databaseUrl}?application_name=${name}`;
    const job: WriterJob = { url, masterKey: c.masterKey.toString('base64'), tenantId: c.tenantId, ticketId, writers };
    const child = spawn(process.execPath, [join(root, 'dist/proofs/log/writer.js'), JSON.stringify(job)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    createInterface(child.stdout).on('line', (key) => acknowledged.push(key));
    return { name, child };
  };
}

async function soon(what: string, look: () => boolean | Promise<boolean>): Promise<void> {
  await until(what, async () => ((await look()) ? true : null), 120_000);
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, 'close'); // its last lines are read by then
  child.kill('SIGCONT');
  child.kill(signal);
  await closed;
}

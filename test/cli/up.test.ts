import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { Client } from 'pg';
import { temporalCli } from '../../cli/binaries';
import { freePorts } from '../../cli/free-port';
import { localFile, readLocal, type Local } from '../../cli/local-file';
import { childEnvironment, root } from '../../config';
import { temporal } from '../stack';
import { lives, until } from '../until';

let dataDir: string;
let port: number;
const started: ChildProcess[] = [];

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'wheelhouse-up-'));
  chmodSync(dataDir, 0o711);
  mkdirSync(join(dataDir, 'cache/bin'), { recursive: true });
  symlinkSync(temporal().cliPath, join(dataDir, `cache/bin/${temporalCli.name}-${temporalCli.version}`));
  port = (await freePorts(1))[0] ?? 0;
});
afterAll(() => {
  for (const child of started) child.kill('SIGKILL');
  rmSync(dataDir, { recursive: true, force: true, maxRetries: 10 });
});

/** `npm start`, as a user's shell would run it. */
function start(changes: Record<string, string> = {}) {
  const env = childEnvironment({
    DATABASE_URL: null,
    TEMPORAL_ADDRESS: null,
    WHEELHOUSE_DATA_DIR: dataDir,
    PORT: String(port),
    ...changes,
  });
  const child = spawn(process.execPath, [join(root, 'bin/wheelhouse.mjs'), 'up'], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  const run = { child, output: '', exit: once(child, 'exit').then(([code]: (number | null)[]) => code) };
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (run.output += String(chunk)));
  return run;
}

async function untilReady(run: ReturnType<typeof start>): Promise<Local> {
  await until(
    'it is ready',
    () => run.output.includes('Ctrl-C stops everything') || run.child.exitCode !== null,
    60_000,
  );
  const local = readLocal(dataDir);
  if (run.child.exitCode !== null || !local) throw new Error(run.output);
  return local;
}

const answers = (local: Local) =>
  fetch(`${local.url}/api/tickets`, { headers: { authorization: `Bearer ${local.token}` } }).then(
    (response) => response.status === 200,
    () => false,
  );

/** The programs that work on this test's data directory. */
function processes(): { pid: number; command: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && lives(Number(name)))
    .map((pid) => ({ pid: Number(pid), command: commandLine(pid) }))
    .filter(({ command }) => command.includes(dataDir));
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return ''; // It has ended.
  }
}

test('starts, survives the crash of each part, stops on Ctrl-C, and starts again with everything there', async () => {
  const first = start();
  const local = await untilReady(first);
  expect(statSync(localFile(dataDir)).mode & 0o777).toBe(0o600);
  // Histories hold what people wrote; SQLite's log beside the file takes its mode.
  for (const file of ['temporal.db', 'temporal.db-wal'])
    expect([file, statSync(join(dataDir, file)).mode & 0o777]).toEqual([file, 0o600]);
  expect(first.output).not.toContain(local.token);
  expect(first.output).not.toContain(local.admin.password);
  expect(first.output).toContain(`${local.url}/docs`);
  expect(first.output).toContain(localFile(dataDir));
  expect(await answers(local)).toBe(true);
  expect((await fetch(local.temporal_ui ?? '')).status).toBe(200);
  // Without retries of its own: one that falls due after the connection was closed ends the test.
  const temporalServer = await Connection.connect({ address: local.temporal_address, interceptors: [] });
  await temporalServer.close();

  const second = start({ PORT: '0' });
  expect(await second.exit).toBe(1);
  expect(second.output).toContain(`Wheelhouse already runs on ${dataDir} (process ${first.child.pid})`);

  for (const { pid, command } of processes().filter(({ pid }) => pid !== first.child.pid)) {
    if (/start-dev|bin\/postgres/.test(command)) process.kill(pid, 'SIGKILL');
  }
  await until(
    'Postgres and Temporal run again',
    () => /Postgres runs again/.test(first.output) && /Temporal runs again/.test(first.output),
  );
  await until('the API answers again', () => answers(local));

  const database = new Client({ connectionString: local.database_url });
  await database.connect();
  await database.query('create table kept ()');
  await database.end();

  first.child.kill('SIGINT');
  expect(await first.exit).toBe(0);
  await until('nothing is left', () => processes().length === 0);

  const again = start();
  const later = await untilReady(again);
  expect(later).toMatchObject({ tenant_id: local.tenant_id, token: local.token, admin: local.admin, url: local.url });
  expect(await answers(later)).toBe(true);
  const kept = new Client({ connectionString: later.database_url });
  await kept.connect();
  await kept.query('select from kept');
  await kept.end();

  again.child.kill('SIGKILL');
  await until('nothing outlives a killed supervisor', () => processes().length === 0);
}, 180_000);

test('a taken port is one clear line, before anything starts', async () => {
  const elsewhere = join(dataDir, 'elsewhere');
  const run = start({ PORT: String(new URL(`http://${temporal().address}`).port), WHEELHOUSE_DATA_DIR: elsewhere });
  expect(await run.exit).toBe(1);
  expect(run.output.trim().split('\n')).toEqual([
    expect.stringMatching(/^Port \d+ on 127\.0\.0\.1 is taken .*set PORT/),
  ]);
  expect(existsSync(elsewhere)).toBe(false);
});

test('a wrong setting is named', async () => {
  const run = start({ PORT: 'eighty' });
  expect(await run.exit).toBe(1);
  expect(run.output).toBe('PORT: must be a number\n');
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Supervisor, type Program } from '../../cli/supervise';
import { childEnvironment, root } from '../../config';
import { lives, until } from '../until';

let folder: string;
let supervisor: Supervisor;
let reports: string[];
let pids: number[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wheelhouse-supervise-'));
  reports = [];
  pids = [];
  supervisor = new Supervisor((line) => reports.push(line));
});
afterEach(async () => {
  await supervisor.stop();
  rmSync(folder, { recursive: true });
});

/** Runs until it is stopped, and says when it is ready. */
const WELL = `process.send('ready'); setInterval(() => {}, 1000);`;

function program(script: string): Program {
  return {
    name: 'Example',
    command: process.execPath,
    args: ['-e', script],
    env: childEnvironment({}),
    user: null,
    ipc: true,
    stopSignal: 'SIGTERM',
    logFile: join(folder, 'example.log'),
    prepare: () => Promise.resolve(),
    ready: async (child) => {
      pids.push(child.pid ?? 0);
      await once(child, 'message');
    },
  };
}

test('a crash is reported, and the program started again', async () => {
  await supervisor.start(program(WELL));
  process.kill(pids[0] ?? 0, 'SIGKILL');
  await until('it runs again', () => reports.includes('Example runs again.'));
  expect(reports[0]).toMatch(/^Example ended \(SIGKILL\); starting it again\. Log: .*example\.log$/);
  expect(pids).toHaveLength(2);
  expect(lives(pids[1] ?? 0)).toBe(true);
});

test('stop ends everything, also what ignores the polite signal of others', async () => {
  await supervisor.start(program(WELL));
  await supervisor.start(program(`process.on('SIGINT', () => {}); ${WELL}`));
  await supervisor.stop();
  expect(pids).toHaveLength(2);
  expect(pids.filter(lives)).toEqual([]);
  expect(reports).toEqual([]);
});

test('stop during a start abandons it', async () => {
  const starting = supervisor.start(program('setInterval(() => {}, 1000)'));
  await until('it was started', () => pids.length === 1);
  await supervisor.stop();
  await expect(starting).rejects.toThrow('could not be started');
  expect(pids.filter(lives)).toEqual([]);
});

test('what can not be started is tried a few times, and its last words told', async () => {
  const broken = supervisor.start(program(`console.error('no such table: x'); process.exit(3)`));
  await expect(broken).rejects.toThrow(
    /^Example could not be started: it ended \(code 3\) before it was ready\..*\n.*no such table/,
  );
  expect(pids).toHaveLength(3);
});

test('a command that does not exist is an error, not a crash', async () => {
  await expect(supervisor.start({ ...program(''), command: join(folder, 'nothing') })).rejects.toThrow('ENOENT');
});

test('a killed supervisor leaves no orphan', async () => {
  const script = `
    const { Supervisor } = require('./dist/cli/supervise.js');
    const ready = async (child) => console.log(child.pid);
    const env = process.env, logFile = ${JSON.stringify(join(folder, 'orphan.log'))};
    new Supervisor(console.error).start({ name: 'Sleeper', command: 'sleep', args: ['600'], env, user: null, ipc: false,
      stopSignal: 'SIGTERM', logFile, prepare: async () => {}, ready });`;
  const parent = spawn(process.execPath, ['-e', script], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  const [pid] = (await once(parent.stdout.setEncoding('utf8'), 'data')) as [string];
  expect(lives(Number(pid))).toBe(true);
  parent.kill('SIGKILL');
  await until('the program has ended', () => !lives(Number(pid)));
});

import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../../config';
import { Group, markOf } from '../../runner/group';
import { askToEnd, attend, endLost, endSilent, giveUp, launch, standingOf } from '../../runner/launch';
import { allProcesses, processOf, runs, type ProcessId } from '../../runner/proc';
import { filesOf, take, type Exit, type Spec, type Started } from '../../runner/state';
import { until } from '../until';

// Real supervisors over real commands: what is left of a command when it is over, however it came to that.

const standIn = join(__dirname, 'stand-in.cjs');
let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'wh-runner-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const megabyte = 1024 * 1024;
function specOf(behaviour: string, changes: Partial<Spec> = {}): Spec {
  const processId = randomUUID();
  const base = join(folder, processId);
  const [workDir, stateDir] = [join(base, 'work'), join(base, 'state')];
  for (const dir of [workDir, stateDir]) mkdirSync(dir, { recursive: true, mode: 0o700 });
  const mark = markOf(processId).split('=') as [string, string];
  return {
    processId, workDir, stateDir, logFile: join(base, 'output.log'), title: '[runner] task 1', argv: [process.execPath, standIn, behaviour, 'the prompt'],
    env: { PATH: process.env['PATH'] ?? '', [mark[0]]: mark[1] }, timeMs: 15_000, silenceMs: 15_000, memoryBytes: 2048 * megabyte,
    outputBytes: 4 * megabyte, unattendedMs: 15_000, graceMs: 300, ...changes,
  }; // prettier-ignore
}
const log = (spec: Spec): string => readFileSync(spec.logFile, 'utf8');
const marked = (spec: Spec): number[] => new Group(null, markOf(spec.processId)).members().map((p) => p.pid);

async function started(spec: Spec): Promise<Started> {
  await launch(spec);
  let it: Started | null = null;
  await until('it runs', () => {
    const s = standingOf(spec.stateDir);
    if (s.is === 'running') it = s.started;
    return it !== null || s.is === 'ended';
  });
  if (!it) throw new Error('it ended before it was seen');
  return it;
}
async function ended(spec: Spec): Promise<Exit> {
  let exit: Exit | null = null;
  await until('it is over', () => {
    const s = standingOf(spec.stateDir);
    if (s.is === 'ended') exit = s.exit;
    if (s.is === 'lost') throw new Error('its supervisor is lost');
    return exit !== null;
  });
  const supervisor = JSON.parse(readFileSync(filesOf(spec.stateDir).claim, 'utf8')) as ProcessId;
  await until('its supervisor is gone', () => !runs(supervisor));
  expect(marked(spec)).toEqual([]);
  return exit as unknown as Exit;
}
const play = async (spec: Spec): Promise<Exit> => {
  await launch(spec);
  return ended(spec);
};

test('a command that ends by itself: its log, its marked errors, its code; files that nobody else reads', async () => {
  const spec = specOf('normal');
  expect(await play(spec)).toMatchObject({ code: 0, signal: null, limit: null, error: null });
  const lines = log(spec).trimEnd().split('\n');
  expect(lines[0]).toBe('[runner] task 1');
  expect(lines).toContain('[stderr] a warning');
  // Its two streams have no order between them.
  expect(lines).toContainEqual(expect.stringContaining('"result":"did: the prompt"'));
  expect(readFileSync(join(spec.workDir, 'output.log'), 'utf8')).toBe(log(spec));
  expect(statSync(spec.logFile).mode & 0o777).toBe(0o600);
});

test('it gets the variables that it is given and no other, its folder, and an input that is over', async () => {
  const spec = specOf('environment', { env: { PATH: process.env['PATH'] ?? '', GIVEN: 'yes' } });
  await play(spec);
  const line = log(spec).split('\n').find((l) => l.startsWith('{')) ?? '{}'; // prettier-ignore
  const { env, cwd } = JSON.parse((JSON.parse(line) as { result: string }).result) as { env: object; cwd: string };
  expect(Object.keys(env).sort()).toEqual(['GIVEN', 'PATH']);
  expect(cwd).toBe(spec.workDir);
  const input = specOf('stdin');
  await play(input);
  expect(log(input)).toContain('nothing came');
});

test.each([
  ['time', 'talks_forever', { timeMs: 700 }],
  ['silence', 'forever', { silenceMs: 700 }],
  ['memory', 'hog', { memoryBytes: 150 * megabyte }],
  ['output', 'flood', { outputBytes: megabyte }],
  ['unattended', 'talks_forever', { unattendedMs: 700 }],
] as const)('the limit of %s ends all of it, and says so', async (limit, behaviour, changes) => {
  const spec = specOf(behaviour, changes);
  const exit = await play(spec);
  expect(exit).toMatchObject({ limit, code: null, signal: 'SIGTERM' });
  expect(log(spec)).toContain(`[runner] ended: ${limit}`);
  if (limit === 'output') expect(exit.outputBytes).toBeLessThanOrEqual(megabyte);
  if (limit === 'memory') expect(exit.peakBytes).toBeGreaterThan(150 * megabyte);
});

test('one that is attended to is not ended for that; one that is stopped ends', async () => {
  const spec = specOf('talks_forever', { unattendedMs: 900 });
  const it = await started(spec);
  const from = performance.now();
  await until('it would have been ended', () => {
    attend(spec.stateDir);
    return performance.now() - from > 1_500;
  });
  expect(standingOf(spec.stateDir).is).toBe('running');
  askToEnd(it);
  expect(await ended(spec)).toMatchObject({ limit: 'stop', signal: 'SIGTERM' });
});

test('one that ignores the question is made to end', async () => {
  const spec = specOf('ignores_term');
  const it = await started(spec);
  await until('it listens', () => log(spec).includes('ready'));
  askToEnd(it);
  expect(await ended(spec)).toMatchObject({ limit: 'stop', signal: 'SIGKILL' });
  expect(log(spec)).toContain('not now');
});

test('children that it leaves behind end with it, also one that left its group', async () => {
  const spec = specOf('forks');
  expect(await play(spec)).toMatchObject({ code: 0, limit: null });
  const children = readFileSync(join(spec.workDir, 'children'), 'utf8').trim().split('\n').map(Number);
  expect(children).toHaveLength(2);
  for (const pid of children) expect(processOf(pid)?.state ?? 'Z').toBe('Z');
});

test('a program that is not there is told, not thrown', async () => {
  const spec = specOf('normal', { argv: ['/no/such/program'] });
  expect(await play(spec)).toMatchObject({ code: null, error: expect.stringContaining('ENOENT') });
});

test('launched twice at once it runs once', async () => {
  const spec = specOf('normal');
  await Promise.all([launch(spec), launch(spec), launch(spec)]);
  await ended(spec);
  expect(log(spec).match(/did: the prompt/g)).toHaveLength(1);
});

test('where its supervisor is killed, what it watched is found by its mark and ended', async () => {
  const spec = specOf('talks_forever');
  const it = await started(spec);
  process.kill(it.supervisor.pid, 'SIGKILL');
  await until('the supervisor is gone', () => standingOf(spec.stateDir).is === 'lost');
  const standing = standingOf(spec.stateDir);
  expect(standing).toEqual({ is: 'lost', leader: it.leader, why: 'its supervisor was killed' });
  expect(runs(it.leader)).toBe(true);
  await endLost(spec.processId, it.leader, 300);
  expect(marked(spec)).toEqual([]);
});

test.each([
  ['exit', (path: string) => writeFileSync(path, '{"code": 0'), true],
  ['exit', (path: string) => writeFileSync(path, '{"code": "none"}'), true],
  ['exit', (path: string): void => void mkdirSync(path), true],
  ['started', (path: string) => writeFileSync(path, ''), false],
] as const)(
  'what is not to be read of its %s counts as not said, and all of it is ended',
  async (file, spoil, known) => {
    const spec = specOf('talks_forever');
    const it = await started(spec);
    spoil(filesOf(spec.stateDir)[file]);
    const standing = standingOf(spec.stateDir);
    const leader = known ? it.leader : null;
    expect(standing).toEqual({ is: 'lost', leader, why: `what its supervisor wrote is not to be read: ${file}.json` });
    await endLost(spec.processId, leader, 300);
    expect(marked(spec)).toEqual([]);
    await until('its supervisor is gone', () => !runs(it.supervisor));
  },
);

/** A supervisor that begins only now, until it has ended. */
const beginsLate = (spec: Spec): void => {
  const { status } = spawnSync(process.execPath, [join(root, 'dist/runner/shim.js')], {
    env: {},
    input: JSON.stringify(spec),
  });
  expect(status).toBe(0);
};

test('what was given up does not begin any more, and what has begun is not given up', async () => {
  const spec = specOf('normal');
  expect(giveUp(spec.stateDir)).toBe(true);
  expect(giveUp(spec.stateDir)).toBe(false);
  writeFileSync(filesOf(spec.stateDir).attended, '');
  beginsLate(spec);
  expect(existsSync(spec.logFile)).toBe(false);
  expect(standingOf(spec.stateDir)).toEqual({ is: 'lost', leader: null, why: 'its supervisor did not begin' });
  const begun = specOf('normal');
  await play(begun);
  expect(giveUp(begun.stateDir)).toBe(false);
  expect(standingOf(begun.stateDir).is).toBe('ended');
});

test('nor does one that nobody has attended to for as long as that may be', () => {
  const spec = specOf('normal');
  const { attended } = filesOf(spec.stateDir);
  writeFileSync(attended, '');
  utimesSync(attended, new Date(), new Date(Date.now() - spec.unattendedMs - 1_000));
  beginsLate(spec);
  expect(standingOf(spec.stateDir)).toMatchObject({ is: 'ended', exit: { limit: 'unattended', code: null } });
  expect(log(spec)).toBe('[runner] task 1\n');
});

test('a supervisor that says nothing is ended with what it has begun, before that has its mark', async () => {
  const spec = specOf('normal');
  const program = `const { pid } = require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => 0, 1000)'], { detached: true }); setInterval(() => 0, 1000)`;
  const silent = spawn(process.execPath, ['-e', program], { stdio: 'ignore' });
  const supervisor = processOf(silent.pid ?? 0);
  if (!supervisor) throw new Error('it did not begin');
  const { pid, started: since } = supervisor;
  const children = () => allProcesses().filter((p) => p.ppid === pid);
  await until('it has begun something', () => children().length === 1);
  const [child] = children();
  take(spec.stateDir, { pid, started: since });
  expect(standingOf(spec.stateDir)).toEqual({ is: 'starting', supervisor: { pid, started: since } });
  await endSilent({ pid, started: since });
  await until('it is gone', () => !runs(supervisor));
  await until('so is what it began', () => child !== undefined && !runs(child));
  expect(standingOf(spec.stateDir).is).toBe('lost');
  await endSilent({ pid, started: since }); // nobody is there any more
});

test('another process that has the number by now is left alone', async () => {
  const stranger = spawn(process.execPath, ['-e', 'setInterval(() => 0, 1000)'], { detached: true, stdio: 'ignore' });
  const pid = stranger.pid ?? 0;
  const found = processOf(pid);
  const before = { pid, started: (found?.started ?? 1) - 1 };
  expect(runs(before)).toBe(false);
  const group = new Group(before, markOf(randomUUID()));
  expect(group.members()).toEqual([]);
  await group.end(100);
  askToEnd({ supervisor: before, leader: before });
  expect(processOf(pid)?.state).not.toBe('Z');
  process.kill(pid, 'SIGKILL');
});

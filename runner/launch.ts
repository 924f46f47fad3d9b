import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { root } from '../config';
import { Group, markOf } from './group';
import { allProcesses, processOf, runs, self, type ProcessId } from './proc';
import { filesOf, limits, take, type Exit, type Spec, type Started } from './state';

const Id = z.object({ pid: z.int(), started: z.int() });
const ClaimFile = Id.extend({ givenUp: z.literal(true).optional() });
const StartedFile = z.object({ supervisor: Id, leader: Id });
const ExitFile = z.object({
  code: z.int().nullable(),
  signal: z.string().nullable(),
  limit: z.enum(limits).nullable(),
  error: z.string().nullable(),
  outputBytes: z.number(),
  peakBytes: z.number(),
  endedAt: z.string(),
});

/** It does not read as it was written: a disk lost some of it, or a hand changed it. */
class Unreadable extends Error {}
const absent = new Set(['ENOENT', 'ENOTDIR']);

/** Null where there is none. @throws Unreadable */
function readState<T>(path: string, schema: z.ZodType<T>): T | null {
  const unreadable = (): Unreadable => new Unreadable(`what its supervisor wrote is not to be read: ${basename(path)}`);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (e) {
    const { code = '' } = e as NodeJS.ErrnoException;
    if (absent.has(code)) return null;
    throw code === 'EISDIR' ? unreadable() : e;
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    throw unreadable();
  }
}

/** How a launch stands, as its folder and the kernel say. */
export type Standing =
  /** Nobody has taken it up. */
  | { is: 'absent' }
  | { is: 'starting'; supervisor: ProcessId }
  | { is: 'running'; started: Started }
  | { is: 'ended'; exit: Exit }
  /** Nobody is going to say how it ends; what was to be watched may run on. */
  | { is: 'lost'; leader: ProcessId | null; why: string };

function asWritten(stateDir: string): Standing {
  const files = filesOf(stateDir);
  const over = (): Standing | null => {
    const exit = readState(files.exit, ExitFile);
    return exit && { is: 'ended', exit };
  };
  const ended = over();
  if (ended) return ended;
  const started = readState(files.started, StartedFile);
  if (started && runs(started.supervisor)) return { is: 'running', started };
  const claim = readState(files.claim, ClaimFile);
  if (!claim) return { is: 'absent' };
  if (claim.givenUp) return { is: 'lost', leader: null, why: 'its supervisor did not begin' };
  if (!started && runs(claim)) return { is: 'starting', supervisor: claim };
  // It may have said its last word since the first look.
  const leader = readState(files.started, StartedFile)?.leader ?? null;
  return over() ?? { is: 'lost', leader, why: 'its supervisor was killed' };
}

/** Null also where that is not to be read: what it began carries its mark. */
function leaderOf(stateDir: string): ProcessId | null {
  try {
    return readState(filesOf(stateDir).started, StartedFile)?.leader ?? null;
  } catch (e) {
    if (e instanceof Unreadable) return null;
    throw e;
  }
}

/** Right of the place where it was launched only: pids are of one machine, and of one boot. */
export function standingOf(stateDir: string): Standing {
  try {
    return asWritten(stateDir);
  } catch (e) {
    if (e instanceof Unreadable) return { is: 'lost', leader: leaderOf(stateDir), why: e.message };
    throw e;
  }
}

/** Says that somebody attends; without it for as long as the spec says, the supervisor ends the command. */
export function attend(stateDir: string): void {
  const now = new Date();
  utimesSync(filesOf(stateDir).attended, now, now);
}

/** When it was handed over, while nobody has attended to it since; in ms, null where that did not happen. */
export const handedAt = (stateDir: string): number | null =>
  statSync(filesOf(stateDir).attended, { throwIfNoEntry: false })?.mtimeMs ?? null;

/**
 * Hands a command over to a supervisor of its own, which lives on when this process does not. Twice for the same folder
 * starts it once. How it came out is in `standingOf`.
 */
export async function launch(spec: Spec): Promise<void> {
  writeFileSync(filesOf(spec.stateDir).attended, '', { mode: 0o600 });
  const shim = spawn(process.execPath, ['--max-old-space-size=64', join(root, 'dist/runner/shim.js')], {
    cwd: '/',
    env: {}, // it needs nothing, and has no secret of this process
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const failed = new Promise<never>((_resolve, reject) => shim.once('error', reject));
  shim.unref();
  shim.stdin?.on('error', () => undefined); // it ended before it read all: then it says nothing, and that shows
  shim.stdin?.end(JSON.stringify(spec));
  await Promise.race([once(shim, 'spawn'), failed]);
}

/** Gives up a launch that nobody took up: a supervisor that begins later finds it taken. False: one has it. */
export function giveUp(stateDir: string): boolean {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  return take(stateDir, { ...self(), givenUp: true });
}

/** False: it is gone. */
function send(id: ProcessId, signal: NodeJS.Signals): boolean {
  if (!runs(id)) return false;
  try {
    return process.kill(id.pid, signal);
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code === 'ESRCH') return false; // it ended at this moment
    throw e;
  }
}

const stopMs = 1_000;
/**
 * Ends a supervisor that took its launch up and says nothing more. Stopped first, it begins nothing while it is looked at:
 * what it has begun is its child by then, also where that does not carry its mark yet.
 */
export async function endSilent(supervisor: ProcessId): Promise<void> {
  if (!send(supervisor, 'SIGSTOP')) return;
  const from = performance.now();
  while (runs(supervisor) && processOf(supervisor.pid)?.state !== 'T' && performance.now() - from < stopMs) await delay(5);
  for (const child of allProcesses().filter((p) => p.ppid === supervisor.pid)) send(child, 'SIGKILL');
  send(supervisor, 'SIGKILL');
} // prettier-ignore

/** Ends what a lost supervisor watched. @throws Error naming who is left */
export const endLost = (processId: string, leader: ProcessId | null, graceMs: number): Promise<void> =>
  new Group(leader, markOf(processId)).end(graceMs);

/** Asks the supervisor to end its command; one that is gone is not asked. */
export function askToEnd({ supervisor }: Started): void {
  send(supervisor, 'SIGTERM');
}

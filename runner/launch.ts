import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { root } from '../config';
import { Group, markOf } from './group';
import { runs, type ProcessId } from './proc';
import { filesOf, limits, type Exit, type Spec, type Started } from './state';

const Id = z.object({ pid: z.int(), started: z.int() });
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

function readState<T>(path: string, schema: z.ZodType<T>): T | null {
  if (!existsSync(path)) return null;
  return schema.parse(JSON.parse(readFileSync(path, 'utf8')));
}

/** How a launch stands, as its folder and the kernel say. */
export type Standing =
  /** Nobody has taken it up. */
  | { is: 'absent' }
  | { is: 'starting' }
  | { is: 'running'; started: Started }
  | { is: 'ended'; exit: Exit }
  /** Its supervisor is gone without a word; what it watched may run on. */
  | { is: 'lost'; leader: ProcessId | null };

/** Right of the place where it was launched only: pids are of one machine, and of one boot. */
export function standingOf(stateDir: string): Standing {
  const files = filesOf(stateDir);
  const over = (): Standing | null => {
    const exit = readState(files.exit, ExitFile);
    return exit && { is: 'ended', exit };
  };
  const ended = over();
  if (ended) return ended;
  const started = readState(files.started, StartedFile);
  if (started && runs(started.supervisor)) return { is: 'running', started };
  const claim = readState(files.claim, Id);
  if (!claim) return { is: 'absent' };
  if (!started && runs(claim)) return { is: 'starting' };
  // It may have said its last word since the first look.
  return over() ?? { is: 'lost', leader: readState(files.started, StartedFile)?.leader ?? null };
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

/** Ends what a lost supervisor watched. @throws Error naming who is left */
export const endLost = (processId: string, leader: ProcessId | null, graceMs: number): Promise<void> =>
  new Group(leader, markOf(processId)).end(graceMs);

/** Asks the supervisor to end its command; one that is gone is not asked. */
export function askToEnd({ supervisor }: Started): void {
  if (!runs(supervisor)) return;
  try {
    process.kill(supervisor.pid, 'SIGTERM');
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code !== 'ESRCH') throw e;
  }
}

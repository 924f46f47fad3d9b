import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { root } from '../config';
import type { RunUser } from './rights';

/** An agent that has the same user can hold a program of that user up. */
const patienceMs = 60_000;

/**
 * Runs a program of runner/tools in an agent's folder as another user: no link that the agent makes meanwhile leads further
 * than it may go itself. Null when it succeeded, else why not, in its words.
 */
export async function asUser(
  { uid, gid }: Pick<RunUser, 'uid' | 'gid'>,
  tool: string,
  folder: string,
  input = '',
): Promise<string | null> {
  const helper = spawn(process.execPath, [join(root, 'dist/runner/tools', tool), folder], {
    cwd: '/',
    env: {},
    uid,
    gid,
    stdio: ['pipe', 'ignore', 'pipe'],
    timeout: patienceMs,
    killSignal: 'SIGKILL',
  });
  const closed = once(helper, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  helper.stdin.on('error', () => undefined); // it ended before it read all: its exit says so
  helper.stdin.end(input);
  const [[code, signal], words] = await Promise.all([closed, text(helper.stderr)]);
  return code === 0 ? null : words || (signal ?? `exit code ${code}`);
}

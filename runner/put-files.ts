import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { root } from '../config';
import { putFile } from './files';
import { NotHere } from './programs';
import type { RunUser } from './rights';

export interface GivenFile {
  name: string;
  text: string;
  /** 0600 when not given. */
  mode?: number;
}

/**
 * Puts files into an agent's folder. Where that is another user's, they are put as that user: no link that the agent makes
 * meanwhile leads further than it may go itself.
 */
export async function putFiles(workDir: string, user: RunUser | null, files: readonly GivenFile[]): Promise<void> {
  const given = files.map((f) => ({ mode: 0o600, ...f }));
  if (!user) {
    for (const { name, text: content, mode } of given) putFile(workDir, name, content, mode);
    return;
  }
  const helper = spawn(process.execPath, [join(root, 'dist/runner/tools/put-files.js'), workDir], {
    cwd: '/',
    env: {},
    uid: user.uid,
    gid: user.gid,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  const closed = once(helper, 'close') as Promise<[number | null]>;
  helper.stdin.on('error', () => undefined); // it ended before it read all: its exit says so
  helper.stdin.end(JSON.stringify(given));
  const [[code], words] = await Promise.all([closed, text(helper.stderr)]);
  if (code === 0) return;
  // Where the user may not go, waiting does not help.
  const Trouble = words.includes('EACCES') ? NotHere : Error;
  throw new Trouble(`${user.name} cannot have its files in ${workDir}: ${words || `exit code ${code}`}`);
}

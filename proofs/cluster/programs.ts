import { join } from 'node:path';
import { logFile } from '../../cli/log-file';
import type { Program } from '../../cli/supervise';
import { root } from '../../config';

/** One of the project's own scripts as a process, which says by a message that it is ready. */
export function script(
  name: string,
  folder: string,
  env: NodeJS.ProcessEnv,
  path: string,
  args: readonly string[],
): Program {
  return {
    name,
    command: process.execPath,
    args: ['--enable-source-maps', join(root, 'dist', path), ...args],
    env,
    user: null,
    ipc: true,
    stopSignal: 'SIGTERM',
    logFile: logFile(folder, name),
    prepare: () => Promise.resolve(),
    ready: (child) => new Promise((resolve) => child.once('message', () => resolve())),
  };
}

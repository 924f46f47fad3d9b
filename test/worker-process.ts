import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { childEnvironment, root } from '../config';
import type { Server } from './harness';
import { temporal } from './stack';

/** What makes a process one of this server's. */
export const environmentOf = (s: Server, changes: Record<string, string> = {}): Record<string, string> => ({
  PORT: '0', DATABASE_URL: s.config.databaseUrl ?? '', TEMPORAL_ADDRESS: temporal().address, WHEELHOUSE_DATA_DIR: s.config.dataDir,
  WHEELHOUSE_MASTER_KEY: s.config.masterKey?.toString('base64') ?? '', TASK_QUEUE_PREFIX: s.config.taskQueuePrefix, LOG_LEVEL: 'silent',
  RATE_LIMIT_PER_MINUTE: '1000000', ...changes,
}); // prettier-ignore

/** A worker as a process of its own, to be killed. */
export async function workerProcess(s: Server, changes: Record<string, string> = {}): Promise<ChildProcess> {
  const child = spawn(process.execPath, [join(root, 'dist/cli/main.js'), 'worker'], {
    env: childEnvironment(environmentOf(s, changes)),
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`the worker ended (${code})`)));
  await Promise.race([once(child, 'message'), ended]);
  return child;
}

/** With no time to finish anything. */
export async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { childEnvironment, root } from '../config';

/** Runs a program of dist/ beside `work`: from when it says that it is ready, until the work is done. */
export async function beside<T>(
  program: { script: string; args?: string[]; env?: Record<string, string> },
  work: (pid: number) => Promise<T>,
): Promise<T> {
  const child = spawn(process.execPath, [...profiling(), join(root, 'dist', program.script), ...(program.args ?? [])], {
    env: childEnvironment(program.env ?? {}),
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit');
  const failed = ended.then(([code]) => Promise.reject(new Error(`${program.script} ended with ${String(code)}`)));
  try {
    await Promise.race([once(child, 'message'), failed]);
    return await Promise.race([work(child.pid ?? 0), failed]);
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}

/** BENCH_PROFILE names a folder that gets a CPU profile of every such program. */
const profiling = (): string[] => {
  const folder = process.env['BENCH_PROFILE'];
  return folder ? ['--cpu-prof', `--cpu-prof-dir=${folder}`] : [];
};

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
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

/** Linux counts a process's time in hundredths of a second. */
const ticksPerSecond = 100;

/** CPU time that a process has used, in s. Linux only. @throws Error when it is gone */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

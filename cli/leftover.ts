import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** The command line of a process, or '' when there is none. */
function commandLine(pid: number): string {
  if (!existsSync('/proc/self/cmdline')) {
    return spawnSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim();
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return ''; // No such process, or it ended at this moment.
  }
}

/**
 * Ends a program that survived its supervisor, found by the pid file that it left. The number may belong to somebody else
 * by now, which shows by a command line without `mark` (a path in the data directory): then the file is removed, because
 * programs that find it would take the stranger for themselves.
 */
export async function endLeftover(pidFile: string, mark: string, signal: NodeJS.Signals): Promise<void> {
  if (!existsSync(pidFile)) return;
  const pid = Number.parseInt(readFileSync(pidFile, 'utf8'), 10);
  const command = Number.isInteger(pid) && pid > 0 ? commandLine(pid) : '';
  if (command === '') return;
  if (!command.includes(mark)) return rmSync(pidFile);
  process.kill(pid, signal);
  for (let waited = 0; commandLine(pid).includes(mark); waited += 50) {
    if (waited === 10_000) process.kill(pid, 'SIGKILL');
    await delay(50);
  }
}

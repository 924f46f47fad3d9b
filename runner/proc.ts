import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

// Processes as Linux has them: proc(5).

/** One process for ever: a pid is given again, but not with the same start. */
export interface ProcessId {
  pid: number;
  /** Clock ticks between the boot and its start. */
  started: number;
}
export interface Process extends ProcessId {
  ppid: number;
  group: number;
  session: number;
  /** R, S, D, Z and so on. */
  state: string;
  rssBytes: number;
  cpuTicks: number;
  name: string;
}

/** Whether there is anything to read here. */
export const canSeeProcesses = (): boolean => existsSync('/proc/self/stat');

const gone = new Set(['ENOENT', 'ESRCH']);
/** Of a process: null when it has ended, at the latest while it was read. */
function readOf(pid: number, file: string): Buffer | null {
  try {
    return readFileSync(`/proc/${pid}/${file}`);
  } catch (e) {
    const { code } = e as NodeJS.ErrnoException;
    if (code !== undefined && (gone.has(code) || (file === 'environ' && (code === 'EACCES' || code === 'EPERM')))) return null;
    throw e;
  }
} // prettier-ignore

/** What the kernel told this process when it began: 6 is the size of a page, 17 the ticks of a second. */
const told = (key: number): number => {
  const words = readFileSync('/proc/self/auxv');
  for (let at = 0; at + 16 <= words.length; at += 16)
    if (words.readBigUInt64LE(at) === BigInt(key)) return Number(words.readBigUInt64LE(at + 8));
  throw new Error(`/proc/self/auxv does not say ${key}`);
};
let sizes: { page: number; second: number } | null = null;
const units = () => (sizes ??= { page: told(6), second: told(17) });

/** Null when there is no such process; one that has ended and was not waited for (Z) is one. */
export function processOf(pid: number): Process | null {
  const text = readOf(pid, 'stat')?.toString('latin1');
  if (!text) return null;
  // The name is in brackets and may hold anything, brackets too.
  const [open, close] = [text.indexOf('('), text.lastIndexOf(')')];
  const fields = text.slice(close + 2).split(' ');
  const field = (n: number): number => Number(fields[n]);
  return {
    pid,
    name: text.slice(open + 1, close),
    state: fields[0] ?? '?',
    ppid: field(1),
    group: field(2),
    session: field(3),
    cpuTicks: field(11) + field(12),
    started: field(19),
    rssBytes: field(21) * units().page,
  };
}

export const allProcesses = (): Process[] =>
  readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? (processOf(Number(name)) ?? []) : []));

/** This process. */
export function self(): ProcessId {
  const found = processOf(process.pid);
  if (!found) throw new Error('this process is not in /proc');
  return { pid: found.pid, started: found.started };
}

/** Whether it still runs: the same one, and not only its remains. */
export function runs({ pid, started }: ProcessId): boolean {
  const now = processOf(pid);
  return now !== null && now.started === started && now.state !== 'Z';
}

/** Whether a process began with this variable; one that may not be looked at counts as having begun without. */
export const beganWith = (pid: number, variable: string): boolean =>
  readOf(pid, 'environ')?.toString('latin1').split('\0').includes(variable) ?? false;

/**
 * Where pids mean the same as here: this boot of this machine, this pid namespace.
 * Two workers that share a machine share it; two containers do not, whatever they are called.
 */
export const place = (): string =>
  `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${readlinkSync('/proc/self/ns/pid')}`;

export const header = '    PID    PPID    PGID STAT  RSS_KB     CPU     ELAPSED COMMAND';

const clock = (seconds: number): string => {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${two(Math.floor(whole / 3600))}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
};
const shown = 80;

/** A line of `ps`, under `header`. The command line is cut: an agent's prompt is its last word. */
export function psLine(p: Process): string {
  const { second } = units();
  const up = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
  const words = readOf(p.pid, 'cmdline')?.toString('utf8').split('\0').join(' ').replace(/\s+/g, ' ').trim() ?? '';
  const command = words === '' ? `[${p.name}]` : words.length > shown ? `${words.slice(0, shown)}…` : words;
  const column = (value: number | string, width: number): string => String(value).padStart(width);
  return [
    column(p.pid, 7), column(p.ppid, 7), column(p.group, 7), p.state.padEnd(4), column(Math.round(p.rssBytes / 1024), 7),
    column((p.cpuTicks / second).toFixed(1), 7), column(clock(up - p.started / second), 11), command,
  ].join(' '); // prettier-ignore
}

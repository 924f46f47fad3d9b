import { readdirSync, readFileSync } from 'node:fs';
import { median } from './row';

/** Of the kernel's own clock; Linux has 100 ticks a second on every machine this runs on. */
const msPerTick = 10;

interface Process {
  pid: number;
  parent: number;
  name: string;
  ms: number;
}

/** Every process there is; one that ends while it is read is left out. */
const processes = (): Process[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        // The name stands in parentheses and may hold anything: the fields are counted from its end.
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        // Its own, and that of the children it has seen end: Postgres has a process for each connection.
        const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
        return [{ pid: Number(pid), parent: Number(fields[1]), name: partOf(line), ms: ticks * msPerTick }];
      } catch {
        return []; // it has ended
      }
    });

function partOf(line: readonly string[]): string {
  if (line[1] === 'server' && line[2] === 'start-dev')
    return line.includes('--sqlite-pragma') ? 'temporal' : 'temporal (default)';
  if (line[1] === '--config-file') return line[2]?.endsWith('-default.yaml') ? 'temporal (default)' : 'temporal';
  if (/postgres/.test(line[0] ?? '')) return 'postgres';
  if (line[0]?.endsWith('/restate-server')) return 'restate-server';
  if (line.includes('bench')) return 'callers';
  if (/floor\/worker/.test(line[1] ?? '')) return 'floor worker';
  if (line.some((word) => /quick\/worker/.test(word))) return 'quick worker';
  return line.at(-2) ?? '';
}

/** This process and all below it. None where there is no /proc. */
function family(): Process[] {
  if (process.platform !== 'linux') return [];
  const all = processes();
  const mine = new Set([process.pid]);
  for (let size = 0; size !== mine.size;) {
    size = mine.size;
    for (const p of all) if (mine.has(p.parent)) mine.add(p.pid);
  }
  return all.filter((p) => mine.has(p.pid));
}

/** Processor time (ms) that this process and all below it have used by now, by part. */
export function usedCpu(): Map<string, number> {
  const used = new Map<string, number>();
  for (const p of family()) used.set(p.name, (used.get(p.name) ?? 0) + p.ms);
  return used;
}

/** Resident memory (bytes) of the parts of those names. */
export const usedMemory = (names: readonly string[]): Map<string, number> =>
  new Map(
    names.map((name) => {
      const of = family().filter((p) => p.name === name);
      const rss = of.map(({ pid }) => /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
      return [name, rss.reduce<number>((sum, kb) => sum + Number(kb) * 1024, 0)];
    }),
  );

/** Sends it to each process of the parts of those names. */
export function signal(names: readonly string[], which: NodeJS.Signals): void {
  for (const p of family()) if (names.includes(p.name)) process.kill(p.pid, which);
}

/** What was used since `before`. */
export const cpuSince = (before: ReadonlyMap<string, number>): Map<string, number> =>
  new Map([...usedCpu()].map(([name, ms]) => [name, ms - (before.get(name) ?? 0)]));

/** Median processor time (ms) of one piece of work: all of it, and the parts that have at least so much of it. */
export function spent(measured: readonly { cpu: ReadonlyMap<string, number> }[], piece: string, least: number): string {
  const parts = new Set(measured.flatMap((m) => [...m.cpu.keys()]));
  const each = [...parts].map((part) => [part, median(measured.map((m) => m.cpu.get(part) ?? 0))] as const);
  const all = each.reduce((sum, [, ms]) => sum + ms, 0);
  const large = each.filter(([, ms]) => ms >= least).sort((a, b) => b[1] - a[1]);
  const list = large.map(([part, ms]) => `${part} ${ms.toFixed(1)}`).join(', ');
  return `${all.toFixed(all < 50 ? 1 : 0)} ms a ${piece} (${list})`;
}

import { appendFileSync, closeSync, existsSync, openSync, readSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/** What the callers' process has written down; it outlives its kills. */
export type Line =
  /** A call was acknowledged; times are milliseconds since the epoch. */
  | { kind: 'acknowledged'; life: number; key: string; path: string; status: number; body: Record<string, unknown>; at: number }
  /** A life is over: it is not taken up again. */
  | { kind: 'over'; life: number }
  | { kind: 'wrong'; life: number; what: string }; // prettier-ignore
export type Acknowledgement = Extract<Line, { kind: 'acknowledged' }>;

export const write = (file: string, line: Line): void => appendFileSync(file, `${JSON.stringify(line)}\n`);

/** Follows the file as it grows. */
export function journal(file: string) {
  const lines: Line[] = [];
  let offset = 0;
  let rest = '';
  /** All of it, as far as it is written. */
  const read = (): readonly Line[] => {
    if (!existsSync(file)) return lines;
    const fd = openSync(file, 'r');
    const chunk = Buffer.alloc(1 << 16);
    for (
      let n = readSync(fd, chunk, 0, chunk.length, offset);
      n > 0;
      n = readSync(fd, chunk, 0, chunk.length, offset)
    ) {
      offset += n;
      const parts = (rest + chunk.toString('latin1', 0, n)).split('\n');
      rest = parts.pop() ?? '';
      lines.push(...parts.map((text) => JSON.parse(Buffer.from(text, 'latin1').toString('utf8')) as Line));
    }
    closeSync(fd);
    return lines;
  };
  return {
    read,
    acknowledged: (): Acknowledgement[] => read().filter((l) => l.kind === 'acknowledged'),
    /** When the first call that is acknowledged from now on has its 2xx. */
    async next(): Promise<number> {
      const from = read().length;
      for (;;) {
        const found = read().slice(from).find((l) => l.kind === 'acknowledged' && l.status < 300) as Acknowledgement | undefined; // prettier-ignore
        if (found) return found.at;
        await pause(10);
      }
    },
  };
}

import { readPart } from './files';

const newline = 0x0a;
/** As much of a log as one answer has. */
export const mostBytes = 256 * 1024;

export interface Part {
  content: string;
  /** Where the next part begins, in bytes. */
  next: number;
}

/** The last lines of a log, and where what follows them begins; null where there is none. */
export function lastLines(path: string, lines: number): Part | null {
  const size = readPart(path, 0, 0)?.size;
  if (size === undefined) return null;
  const from = Math.max(0, size - mostBytes);
  const bytes = readPart(path, from, mostBytes)?.bytes ?? Buffer.alloc(0);
  // A line that goes on is whole for whoever reads on from there.
  const end = bytes.lastIndexOf(newline) + 1;
  let start = end;
  for (let found = 0; found < lines && start > 0; found += 1) start = bytes.lastIndexOf(newline, start - 2) + 1;
  return { content: bytes.subarray(start, end).toString('utf8'), next: from + end };
}

/** Whole lines from a place on. A line longer than `most` comes in parts. */
export function linesFrom(path: string, from: number, most = mostBytes): Part | null {
  const part = readPart(path, from, most);
  if (!part) return null;
  const whole = part.bytes.lastIndexOf(newline) + 1;
  const end = whole > 0 ? whole : part.bytes.length === most ? most : 0;
  return { content: part.bytes.subarray(0, end).toString('utf8'), next: from + end };
}

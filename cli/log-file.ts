import { existsSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';

const LARGEST = 10 * 1024 * 1024;

/** The file that a part of this installation writes to; a large one makes room for a new one. */
export function logFile(dataDir: string, name: string): string {
  const folder = join(dataDir, 'logs');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}.log`);
  if (existsSync(path) && statSync(path).size > LARGEST) renameSync(path, `${path}.1`);
  return path;
}

/** The end of a log, for an error message. */
export function lastLines(path: string, count = 5): string {
  const lines = existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n').slice(-count) : [];
  return lines.join('') === '' ? `${path} is empty` : `The end of ${path}:\n${lines.join('\n')}`;
}

import { accessSync, constants, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';

/** It cannot be run on this machine: perhaps on another. */
export class NotHere extends Error {}

/** The file that a name on PATH means; null when there is none that may be run. */
export function findProgram(program: string, path: string): string | null {
  const places = program.includes('/') ? [program] : path.split(':').map((folder) => join(folder, program));
  return places.find((file) => isAbsolute(file) && mayRun(file)) ?? null;
}
function mayRun(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

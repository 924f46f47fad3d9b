import { randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

// Files in a folder in which an agent does as it likes: a link, a pipe or a folder may stand where a file is expected.

/** A folder of this name, and nothing that only leads to one. */
export function ownFolder(path: string): void {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there && !there.isDirectory()) rmSync(path);
  mkdirSync(path, { recursive: true, mode: 0o700 });
}

/** Replaces whatever has the name, at once: who reads it sees the old or the new. Folders on the way are made. */
export function putFile(folder: string, name: string, text: string, mode = 0o600): void {
  const path = join(folder, name);
  const parent = dirname(path);
  if (parent !== folder) ownFolder(parent);
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there?.isDirectory()) rmSync(path, { recursive: true });
  const temporary = join(parent, `.${randomUUID()}`);
  writeFileSync(temporary, text, { mode, flag: 'wx' });
  renameSync(temporary, path);
}

const absent = new Set(['ENOENT', 'ELOOP', 'ENOTDIR', 'ENXIO']);

/** What stands in a plain file from a place on, at most so many bytes, and how large it is; null where there is none. */
export function readPart(path: string, from: number, mostBytes: number): { bytes: Buffer; size: number } | null {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (e) {
    if (absent.has((e as NodeJS.ErrnoException).code ?? '')) return null;
    throw e;
  }
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) return null;
    const bytes = Buffer.alloc(Math.max(0, Math.min(mostBytes, stat.size - from)));
    const read = bytes.length ? readSync(file, bytes, 0, bytes.length, from) : 0;
    return { bytes: bytes.subarray(0, read), size: stat.size };
  } finally {
    closeSync(file);
  }
}

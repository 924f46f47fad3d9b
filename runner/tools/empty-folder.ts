import { chmodSync, lstatSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { endWith } from './auth';

// empty-folder FOLDER: removes all that is in an agent's folder, as whoever runs it.

/** Its folders, as that of a package cache, may be closed to their own user. */
function open(folder: string): void {
  if (lstatSync(folder).uid === process.getuid?.()) chmodSync(folder, 0o700);
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) open(join(folder, entry.name));
}

try {
  const [folder = ''] = process.argv.slice(2);
  open(folder);
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true, force: true });
} catch (e) {
  endWith(1, process.stderr, (e as Error).message);
}

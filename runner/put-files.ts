import { asUser } from './as-user';
import { putFile } from './files';
import { NotHere } from './programs';
import type { RunUser } from './rights';

export interface GivenFile {
  name: string;
  text: string;
  /** 0600 when not given. */
  mode?: number;
}

/** Puts files into an agent's folder; where that is another user's, as that user. */
export async function putFiles(workDir: string, user: RunUser | null, files: readonly GivenFile[]): Promise<void> {
  const given = files.map((f) => ({ mode: 0o600, ...f }));
  if (!user) {
    for (const { name, text: content, mode } of given) putFile(workDir, name, content, mode);
    return;
  }
  const words = await asUser(user, 'put-files.js', workDir, JSON.stringify(given));
  if (words === null) return;
  // Where the user may not go, waiting does not help.
  const Trouble = words.includes('EACCES') ? NotHere : Error;
  throw new Trouble(`${user.name} cannot have its files in ${workDir}: ${words}`);
}

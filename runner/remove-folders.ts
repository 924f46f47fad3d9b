import { lstatSync, rmdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { asUser } from './as-user';
import type { Folders } from './workspace';

/**
 * Removes the folders of an agent that is over. What is in another user's is removed as that user: one of its processes may
 * live on, and put a link in the place of a folder. The folder itself stands in one of ours. @throws Error saying what is left
 */
export async function removeFolders({ workDir, runnerDir }: Folders): Promise<void> {
  const there = lstatSync(workDir, { throwIfNoEntry: false });
  // The agent's own first: while its runner's is there, it is found again.
  if (there?.isDirectory() && process.getuid?.() === 0 && there.uid !== 0) {
    const words = await asUser(there, 'empty-folder.js', workDir);
    if (words !== null) throw new Error(`user ${there.uid} cannot empty ${workDir}: ${words}`);
    rmdirSync(workDir);
  } else await rm(workDir, { recursive: true, force: true });
  await rm(runnerDir, { recursive: true, force: true });
}

import { chmodSync, existsSync, lchownSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from '../config';
import type { Update } from '../domain/steering';
import { briefText, type Told } from './brief';
import { checkpointFile, readCheckpoint } from './checkpoint';
import { ownFolder, readPart } from './files';
import { putFiles, type GivenFile } from './put-files';
import type { RunUser } from './rights';
import { steeringOf } from './steering';

export interface Credential {
  apiBase: string;
  token: string;
  expiresAt: string;
}
export interface Lease {
  id: number;
  system: string;
  resource_type: string;
  resource_id: string;
  action: string;
  credential_ref: string;
  expires_at: string | null;
}

/** Where an agent has its files, and its runner beside it what it has of it. */
export interface Folders {
  workDir: string;
  runnerDir: string;
}
export const runnersOf = (workBase: string): string => join(workBase, '.runner');
export const foldersOf = (workBase: string, name: string): Folders => ({
  workDir: join(workBase, name),
  runnerDir: join(runnersOf(workBase), name),
});
/** Which run has the folders. */
const markOf = ({ runnerDir }: Folders): string => join(runnerDir, 'run');
export const runOf = (folders: Folders): string | null => readPart(markOf(folders), 0, 100)?.bytes.toString() ?? null;

/** Whether they are this run's, from now on if nobody's. What is there without a mark is somebody's, unless it was here before. */
function isOwn(folders: Folders, runId: string, before: string | null): boolean {
  const there = existsSync(folders.workDir) || existsSync(folders.runnerDir);
  if (runOf(folders) === null && there && before !== folders.workDir) return false;
  mkdirSync(folders.runnerDir, { recursive: true, mode: 0o700 });
  try {
    writeFileSync(markOf(folders), runId, { flag: 'wx', mode: 0o600 });
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code !== 'EEXIST') throw e;
  }
  return runOf(folders) === runId;
}

/**
 * The folders of a run: named by its agent's number, and by its id as well where those are another's. A number is given again
 * when a database is restored, or begun anew, beside old folders.
 * @param before where an earlier command of the run was
 */
export function ownFolders(workBase: string, run: { id: string; number: number }, before: string | null): Folders {
  const usual = foldersOf(workBase, String(run.number));
  if (isOwn(usual, run.id, before)) return usual;
  const other = foldersOf(workBase, `${run.number}-${run.id}`);
  isOwn(other, run.id, other.workDir);
  return other;
}

/** Of one launch for ever. */
export const stateDirOf = (runnerDir: string, processId: string): string => join(runnerDir, processId);

/** A program of this installation, under a name on the agent's PATH. */
const nodeProgram = (name: string): string =>
  `#!${process.execPath}\nrequire(${JSON.stringify(join(root, 'dist/runner/tools', name))});\n`;
const pythonProgram = (name: string): string =>
  [
    '#!/usr/bin/env python3',
    'import os, sys',
    `os.execv(${JSON.stringify(process.execPath)}, [${JSON.stringify(process.execPath)}, ${JSON.stringify(join(root, 'dist/runner/tools', name))}] + sys.argv[1:])`,
    '',
  ].join('\n');
const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** Its own credential, in a file that its user alone can read. */
const credentialFile = ({ agentId, ticketId }: Told, c: Credential): GivenFile => ({
  name: 'dashboard_auth.json',
  text: json({
    base_url: c.apiBase, header: 'Authorization', scheme: 'Bearer', token: c.token, agent_id: agentId, ticket_id: ticketId,
    expires_at: c.expiresAt,
  }),
}); // prettier-ignore

export interface Given {
  leases: Lease[];
  updates: Update[];
  settings: Record<string, unknown>;
  credential: Credential;
}

/** Its folders, each to its user alone; where that is another one than ours, it can get to its own. */
function makeFolders({ workDir, runnerDir }: Folders, user: RunUser | null): void {
  for (const folder of [workDir, runnerDir]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    ownFolder(folder);
    chmodSync(folder, 0o700);
  }
  if (!user) return;
  chmodSync(dirname(workDir), 0o711);
  lchownSync(workDir, user.uid, user.gid);
}

/** What the command needs to find before it begins; what an earlier one of the task left there stays. */
export async function prepareWorkspace(
  folders: Folders,
  told: Told,
  { leases, updates, settings, credential }: Given,
  user: RunUser | null,
): Promise<void> {
  makeFolders(folders, user);
  const brief = briefText(told);
  const before = readCheckpoint(folders.workDir);
  await putFiles(folders.workDir, user, [
    { name: 'AGENTS.md', text: brief },
    { name: '.claude/CLAUDE.md', text: brief },
    { name: '.claude/settings.json', text: json(settings) },
    { name: 'agent_vault.json', text: json({ agent_id: told.agentId, ticket_id: told.ticketId, leases }) },
    { name: 'bin/curl', text: nodeProgram('curl.js'), mode: 0o700 },
    { name: 'bin/dashboard-api', text: nodeProgram('dashboard-api.js'), mode: 0o700 },
    { name: 'dashboard_api.py', text: pythonProgram('dashboard-api.js'), mode: 0o700 },
    ...steeringOf({ agent_id: told.agentId, task_id: told.taskId, ticket_id: told.ticketId, updates }),
    checkpointFile(
      told.taskId,
      before
        ? { ...before, step: 'resumed', status: 'queued', progress: Math.min(before.progress, 95) }
        : { step: 'init', status: 'queued', output: null, progress: 0 },
    ),
    credentialFile(told, credential),
  ]);
}

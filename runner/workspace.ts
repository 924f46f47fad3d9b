import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../config';
import type { Update } from '../domain/steering';
import { briefText, type Told } from './brief';
import { readCheckpoint, writeCheckpoint } from './checkpoint';
import { ownFolder, putFile, readPart } from './files';
import { putSteering } from './steering';

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
  expires_at: string;
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

/** What the command needs to find before it begins; what an earlier one of the task left there stays. */
export function prepareWorkspace(
  { workDir, runnerDir }: Folders,
  told: Told,
  { leases, updates, settings }: { leases: Lease[]; updates: Update[]; settings: Record<string, unknown> },
): void {
  for (const folder of [workDir, runnerDir]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    ownFolder(folder);
    chmodSync(folder, 0o700);
  }
  const brief = briefText(told);
  putFile(workDir, 'AGENTS.md', brief);
  putFile(workDir, '.claude/CLAUDE.md', brief);
  putFile(workDir, '.claude/settings.json', json(settings));
  putFile(workDir, 'agent_vault.json', json({ agent_id: told.agentId, ticket_id: told.ticketId, leases }));
  putFile(workDir, 'bin/curl', nodeProgram('curl.js'), 0o700);
  putFile(workDir, 'bin/dashboard-api', nodeProgram('dashboard-api.js'), 0o700);
  putFile(workDir, 'dashboard_api.py', pythonProgram('dashboard-api.js'), 0o700);
  putSteering(workDir, { agent_id: told.agentId, task_id: told.taskId, ticket_id: told.ticketId, updates });
  const before = readCheckpoint(workDir);
  writeCheckpoint(
    workDir,
    told.taskId,
    before
      ? { ...before, step: 'resumed', status: 'queued', progress: Math.min(before.progress, 95) }
      : { step: 'init', status: 'queued', output: null, progress: 0 },
  );
}

/** The agent's own credential, in a file that its user alone can read. */
export const putCredential = (workDir: string, told: Pick<Told, 'agentId' | 'ticketId'>, c: Credential): void =>
  putFile(
    workDir,
    'dashboard_auth.json',
    json({
      base_url: c.apiBase,
      header: 'Authorization',
      scheme: 'Bearer',
      token: c.token,
      agent_id: told.agentId,
      ticket_id: told.ticketId,
      expires_at: c.expiresAt,
    }),
  );

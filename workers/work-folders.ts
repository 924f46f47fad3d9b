import { existsSync, readdirSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { AgentSettings } from '../config-agents';
import { runsByAge } from '../db/old-runs';
import type { Store } from '../log/store';
import { foldersOf, runnersOf, runOf, type Folders } from '../runner/workspace';
import { keepLooking } from './loop';

const often = {
  pollMs: 3_600_000,
  longestWaitMs: 3_600_000,
  trouble: 'folders of agents that are over for long were not removed; they only take up space',
};
const dayMs = 86_400_000;
const atOnce = 500;
const isRun = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

interface Work {
  store: Store;
  agents: Pick<AgentSettings, 'workBase'>;
}

/** Those of no run that is known here, as before a database was begun anew, go by the last time that anything came to them. */
const untouched = ({ runnerDir }: Folders, days: number): boolean =>
  (statSync(runnerDir, { throwIfNoEntry: false })?.mtimeMs ?? Infinity) < Date.now() - days * dayMs;

async function oldOf({ store }: Work, found: readonly Folders[], days: number): Promise<Folders[]> {
  const runs = new Map(found.map((folders) => [folders, runOf(folders)]));
  const ids = [...runs.values()].filter((id) => id !== null && isRun.test(id)) as string[];
  const known = new Map<string, boolean>();
  for (const tenantId of await store.tenants())
    for (const { id, old } of await store.read(tenantId, (tx) => runsByAge(tx, ids, days))) known.set(id, old);
  return found.filter((folders) => known.get(runs.get(folders) ?? '') ?? untouched(folders, days));
}

/** Removes the folders of agents, on this machine, whose runs have been over for so many days. Answers how many. */
export async function sweepFolders(work: Work, days: number): Promise<number> {
  const base = work.agents.workBase;
  if (!existsSync(runnersOf(base))) return 0; // no command has run here
  const names = readdirSync(runnersOf(base), { withFileTypes: true }).flatMap((e) => (e.isDirectory() ? e.name : []));
  let removed = 0;
  for (let at = 0; at < names.length; at += atOnce) {
    const old = await oldOf(work, names.slice(at, at + atOnce).map((name) => foldersOf(base, name)), days);
    for (const { workDir, runnerDir } of old) {
      // The agent's own first: while its runner's is there, it is found again.
      for (const folder of [workDir, runnerDir]) await rm(folder, { recursive: true, force: true });
      removed += 1;
    }
  }
  return removed;
} // prettier-ignore

/** Does so again and again, until the signal is aborted. */
export const keepFoldersSwept = (work: Work, days: number, logger: Logger, signal: AbortSignal): Promise<void> =>
  keepLooking(often, logger, signal, async () => {
    const removed = await sweepFolders(work, days);
    if (removed > 0) logger.info({ removed, days }, 'folders of agents that are over were removed');
  });

import { existsSync, readdirSync, statSync } from 'node:fs';
import type { Logger } from 'pino';
import type { AgentSettings } from '../config-agents';
import { runsByAge } from '../db/old-runs';
import type { Store } from '../log/store';
import { removeFolders } from '../runner/remove-folders';
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

export interface Swept {
  removed: number;
  /** Those that could not be, in words; the next sweep finds them again. */
  left: string[];
}

/** Removes the folders of agents, on this machine, whose runs have been over for so many days. */
export async function sweepFolders(work: Work, days: number): Promise<Swept> {
  const base = work.agents.workBase;
  if (!existsSync(runnersOf(base))) return { removed: 0, left: [] }; // no command has run here
  const names = readdirSync(runnersOf(base), { withFileTypes: true }).flatMap((e) => (e.isDirectory() ? e.name : []));
  const swept: Swept = { removed: 0, left: [] };
  for (let at = 0; at < names.length; at += atOnce) {
    const old = await oldOf(work, names.slice(at, at + atOnce).map((name) => foldersOf(base, name)), days);
    for (const folders of old) {
      try {
        await removeFolders(folders);
        swept.removed += 1;
      } catch (e) {
        swept.left.push((e as Error).message);
      }
    }
  }
  return swept;
} // prettier-ignore

/** Does so again and again, until the signal is aborted. */
export const keepFoldersSwept = (work: Work, days: number, logger: Logger, signal: AbortSignal): Promise<void> =>
  keepLooking(often, logger, signal, async () => {
    const { removed, left } = await sweepFolders(work, days);
    for (const why of left) logger.warn({ why }, 'a folder of an agent that is over was not removed');
    if (removed > 0) logger.info({ removed, days }, 'folders of agents that are over were removed');
  });

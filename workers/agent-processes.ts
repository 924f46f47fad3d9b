import { endLeftOver } from '../activities/agents/command/left-over';
import { here } from '../activities/agents/command/here';
import type { Deps } from '../activities/deps';
import { writeReports } from '../db/harness-reports';
import { lookAtCommands } from '../runner/health';
import { canSeeProcesses } from '../runner/proc';
import { keepLooking } from './loop';

const tending = {
  pollMs: 5_000,
  longestWaitMs: 30_000,
  trouble: 'commands of runs that are over are not looked for',
};
const reporting = {
  pollMs: 30_000,
  longestWaitMs: 60_000,
  trouble: 'what is known of the commands on this machine is out of date',
};
/** Two reports may be lost. */
const goodForSeconds = 100;

/** What runs on this machine for runs that are over. A machine without /proc runs none. */
export async function tendProcesses(deps: Deps, signal: AbortSignal): Promise<void> {
  if (!canSeeProcesses()) return;
  const { place } = here();
  await keepLooking(tending, deps.logger, signal, async () => {
    for (const tenantId of await deps.store.tenants()) await endLeftOver(deps, tenantId, place);
  });
}

/** Says what commands there are on this machine. */
export async function reportHarnesses({ store, agents, logger }: Deps, signal: AbortSignal): Promise<void> {
  if (!canSeeProcesses()) return;
  const { host, place } = here();
  await keepLooking(reporting, logger, signal, async () => {
    const found = await lookAtCommands(agents);
    await writeReports(store.pool, place, found.map((f) => ({ ...f, host })), goodForSeconds);
  });
} // prettier-ignore

import { standingReports } from '../../../db/harness-reports';
import { tenantSlug } from '../../../db/tenants';
import type { Read } from '../../../db/tx';
import { availableHarnesses } from '../../../domain/harnesses';
import { atMostEvery, perOwner } from '../../../log/shared';
import { anyIsKept, commandNames, isFor } from '../../../runner/commands';
import type { Kernel } from '../../kernel';
import { presentIn, type Here } from './chosen';

/** What was asked a second ago is good enough: workers look every half minute. */
const freshMs = 1_000;
const shared = perOwner((_kernel: Kernel) => atMostEvery<readonly string[]>(freshMs));

/** What can work here: by the configuration, and by what workers have found. */
export async function harnessesHere(kernel: Kernel, tx: Read): Promise<Here> {
  const found = await shared(kernel)('harnesses', async () => {
    const reports = await standingReports(kernel.store.pool);
    return reports.filter((r) => r.path !== null).map((r) => r.harness);
  });
  const { config } = kernel;
  const tenant = anyIsKept(config.agents) ? await tenantSlug(tx) : null;
  const mayBe = (name: string): boolean => tenant === null || isFor(config.agents, name, tenant);
  const commands = new Set(found.filter(mayBe));
  return {
    available: availableHarnesses(presentIn(config, commands), Object.keys(config.agents.commands)),
    commands,
    kept: new Set(commandNames(config.agents).filter((name) => !mayBe(name))),
  };
}

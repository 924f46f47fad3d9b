import { standingReports } from '../../../db/harness-reports';
import { availableHarnesses } from '../../../domain/harnesses';
import { atMostEvery, perOwner } from '../../../log/shared';
import type { Kernel } from '../../kernel';
import { presentIn } from './chosen';

interface Here {
  /** Harnesses that can work here. */
  available: string[];
  /** Those whose commands a worker has found on its machine. */
  commands: ReadonlySet<string>;
}

/** What was asked a second ago is good enough: workers look every half minute. */
const freshMs = 1_000;
const shared = perOwner((_kernel: Kernel) => atMostEvery<Here>(freshMs));

/** What can work here: by the configuration, and by what workers have found. */
export const harnessesHere = (kernel: Kernel): Promise<Here> =>
  shared(kernel)('harnesses', async () => {
    const reports = await standingReports(kernel.store.pool);
    const commands = new Set(reports.filter((r) => r.path !== null).map((r) => r.harness));
    const { config } = kernel;
    return {
      available: availableHarnesses(presentIn(config, commands), Object.keys(config.agents.commands)),
      commands,
    };
  });

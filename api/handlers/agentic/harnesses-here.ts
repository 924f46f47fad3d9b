import type { Read } from '../../../db/tx';
import { atMostEvery, perOwner } from '../../../log/shared';
import { foundCommands, here, type Here, type Settings } from '../../../pipeline/chosen';
import { commandsOf } from '../../../runner/commands';
import type { Kernel } from '../../kernel';

/** What was asked a second ago is good enough: workers look every half minute. */
const freshMs = 1_000;
const shared = perOwner((_kernel: Kernel) => atMostEvery<readonly string[]>(freshMs));

export const settingsOf = ({ config }: Kernel): Settings => ({ ...config, commands: commandsOf(config.agents) });

/** What can work here: by the configuration, and by what workers have found. */
export const harnessesHere = async (kernel: Kernel, tx: Read): Promise<Here> =>
  here(settingsOf(kernel), await shared(kernel)('harnesses', () => foundCommands(kernel.store.pool)), tx);

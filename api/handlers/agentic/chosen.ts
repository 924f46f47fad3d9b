import type { Config } from '../../../config';
import { Invalid } from '../../../domain/errors';
import { availableHarnesses, harnessEntry, type Present } from '../../../domain/harnesses';

export interface Here {
  /** Harnesses that can work here for the tenant. */
  available: string[];
  /** Those whose commands a worker has found on its machine, and that the tenant's agents may be. */
  commands: ReadonlySet<string>;
  /** Those that are for other tenants' alone. */
  kept: ReadonlySet<string>;
}

/** What this installation has, of what the kinds of harnesses need. */
export const presentIn = (config: Pick<Config, 'models'>, commands: ReadonlySet<string>): Present => ({
  rules: () => true,
  model: () => config.models.length > 0,
  command: (name) => commands.has(name),
  remote: () => false,
});

/**
 * The agent that a harness works with, and the model where nobody named one; null: the agent's own.
 * @throws Invalid for a harness that cannot work here, or a model that it cannot ask
 */
export function chosen(
  config: Pick<Config, 'models' | 'agents'>,
  /** The commands that a worker has found on its machine; and those that are for other tenants alone. */
  { commands, kept }: Pick<Here, 'commands' | 'kept'>,
  harness: string,
  model: string | null,
): { agent: string; model: string | null } {
  const configured = Object.keys(config.agents.commands);
  const entry = harnessEntry(harness, configured);
  const available = availableHarnesses(presentIn(config, commands), configured);
  if (!entry || !available.includes(harness)) {
    const why = kept.has(harness)
      ? `${harness} is not for the agents of this tenant`
      : entry?.kind === 'model'
        ? `${harness} needs AGENT_MODELS`
        : `${harness} is not registered here`;
    throw new Invalid(`harness: ${why}; available: ${available.join(', ')}`, {
      field: 'harness',
      available_harnesses: available,
    });
  }
  if (entry.kind !== 'model') return { agent: entry.agent, model: null };
  const names = config.models.map((m) => m.name);
  if (model !== null && !names.includes(model))
    throw new Invalid(`model: ${model} is not configured here; available: ${names.join(', ')}`, {
      field: 'model',
      available_models: names,
    });
  return { agent: entry.agent, model: names[0] ?? null };
}

import type { Config } from '../../../config';
import { Invalid } from '../../../domain/errors';
import { availableHarnesses, harnessEntry, type Present } from '../../../domain/harnesses';

/** What this installation has, of what the kinds of harnesses need. */
export const presentIn = (config: Pick<Config, 'models'>): Present => ({
  rules: () => true,
  model: () => config.models.length > 0,
  command: () => false,
  remote: () => false,
});

/**
 * The agent that a harness works with, and the model where nobody named one; null: the agent's own.
 * @throws Invalid for a harness that cannot work here, or a model that it cannot ask
 */
export function chosen(
  config: Pick<Config, 'models'>,
  harness: string,
  model: string | null,
): { agent: string; model: string | null } {
  const entry = harnessEntry(harness);
  const available = availableHarnesses(presentIn(config));
  if (!entry || !available.includes(harness)) {
    const why = entry?.kind === 'model' ? `${harness} needs AGENT_MODELS` : `${harness} is not registered here`;
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

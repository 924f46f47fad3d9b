import type { Pool } from 'pg';
import type { Config } from '../config';
import { standingReports } from '../db/harness-reports';
import { hasClaimers } from '../db/remote-workers';
import { tenantSlug } from '../db/tenants';
import type { Read } from '../db/tx';
import { Invalid } from '../domain/errors';
import { availableHarnesses, harnessEntry, type HarnessKind, type Present } from '../domain/harnesses';

/** What those who start commands know of them; here none is started. */
export interface Commands {
  names: readonly string[];
  /** Whether a tenant's agents may be that command; null: all may be any. */
  isFor: ((name: string, tenant: string) => boolean) | null;
  /** The model that a harness is called with: what it does not have is replaced by the first of `instead` that it has. */
  modelOf(harness: string, model: string | null, instead?: readonly (string | null)[]): string | null;
}
/** What of an installation says what a run may work with. */
export type Settings = Pick<Config, 'models' | 'agents' | 'runBudget'> & { commands: Commands };

export interface Here {
  /** Harnesses that can work here for the tenant. */
  available: string[];
  /** Those that are for other tenants' alone. */
  kept: ReadonlySet<string>;
}

/** The commands that workers have found on their machines. */
export const foundCommands = async (pool: Pool): Promise<string[]> =>
  (await standingReports(pool)).filter((r) => r.path !== null).map((r) => r.harness);

/** What this installation has, of what the kinds of harnesses need. `claimers`: somebody of the tenant may claim tasks. */
const presentIn = (
  { models }: Pick<Settings, 'models'>,
  commands: ReadonlySet<string>,
  claimers: boolean,
): Present => ({
  rules: () => true,
  model: () => models.length > 0,
  command: (name) => commands.has(name),
  remote: () => claimers,
});

const needs: Partial<Record<HarnessKind, string>> = {
  model: 'AGENT_MODELS',
  remote: 'an API key with the scope agents:claim',
};

/** What can work here for a tenant: by the settings, by what workers have found, and by its keys. */
export async function here(settings: Settings, found: readonly string[], tx: Read): Promise<Here> {
  const { isFor, names } = settings.commands;
  const tenant = isFor ? await tenantSlug(tx) : '';
  const mayBe = (name: string): boolean => isFor?.(name, tenant) ?? true;
  const present = presentIn(settings, new Set(found.filter(mayBe)), await hasClaimers(tx));
  return {
    available: availableHarnesses(present, Object.keys(settings.agents.commands)),
    kept: new Set(names.filter((name) => !mayBe(name))),
  };
}

/**
 * The agent that a harness works with, and the model where nobody named one; null: the agent's own.
 * @throws Invalid for a harness that cannot work here, or a model that it cannot ask
 */
export function chosen(
  { agents, models }: Pick<Settings, 'models' | 'agents'>,
  { available, kept }: Here,
  harness: string,
  model: string | null,
): { agent: string; model: string | null } {
  const entry = harnessEntry(harness, Object.keys(agents.commands));
  if (!entry || !available.includes(harness)) {
    const need = entry && needs[entry.kind];
    const why = kept.has(harness)
      ? `${harness} is not for the agents of this tenant`
      : need
        ? `${harness} needs ${need}`
        : `${harness} is not registered here`;
    throw new Invalid(`harness: ${why}; available: ${available.join(', ')}`, {
      field: 'harness',
      available_harnesses: available,
    });
  }
  if (entry.kind !== 'model') return { agent: entry.agent, model: null };
  const names = models.map((m) => m.name);
  if (model !== null && !names.includes(model))
    throw new Invalid(`model: ${model} is not configured here; available: ${names.join(', ')}`, {
      field: 'model',
      available_models: names,
    });
  return { agent: entry.agent, model: names[0] ?? null };
}

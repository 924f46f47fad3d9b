import { v5 } from 'uuid';
import { runtimeOf, saveRuntime, type StandingRuntime } from '../../../db/runtime';
import type { Read } from '../../../db/tx';
import { Conflict, Invalid } from '../../../domain/errors';
import { reasoningEfforts, type RuntimeConfig } from '../../../domain/runtime';
import { wrongIn } from '../../../domain/runtime-sound';
import { holdsSecret } from '../../../pipeline/screening/rules/secrets';
import type { runtime } from '../../contracts/agentic/runtime';
import type { Ctx, Handlers } from '../../kernel';
import { harnessesHere } from './harnesses-here';

const namesOf = async (ctx: Ctx, tx: Read): Promise<string[]> => (await harnessesHere(ctx.kernel, tx)).available;

const view = async (ctx: Ctx, tx: Read, { config, version, updatedBy, updatedAt }: StandingRuntime) => ({
  ...config,
  default: config.default_model,
  setups: config.profiles.map(({ id, name, harness, model }) => ({ id, name, harness, model })),
  available_harnesses: (await namesOf(ctx, tx)).map((name) => ({ name })),
  reasoning_efforts: [...reasoningEfforts],
  version,
  updated_by: updatedBy?.name ?? null,
  updated_at: updatedAt,
});

/** The first text, by its path, that holds a credential: the configuration is shown to everybody who sees agents. */
function secretIn(value: unknown, path: string): string | null {
  if (typeof value === 'string') return holdsSecret(value) ? path : null;
  if (typeof value !== 'object' || value === null) return null;
  for (const [key, part] of Object.entries(value)) {
    const found = secretIn(part, path ? `${path}.${key}` : key);
    if (found !== null) return found;
  }
  return null;
}

/** @throws Invalid naming the part that cannot stand */
async function assertSound(ctx: Ctx, tx: Read, config: RuntimeConfig): Promise<void> {
  const secret = secretIn(config, '');
  if (secret !== null)
    throw new Invalid(`${secret}: this looks like a secret, and a configuration holds none; nothing was stored`, {
      field: secret,
    });
  const { models, runBudget } = ctx.kernel.config;
  const installed = { available: await namesOf(ctx, tx), models: models.map((m) => m.name), most: runBudget };
  const wrong = wrongIn(config, installed);
  if (wrong) throw new Invalid(`${wrong.field}: ${wrong.message}`, { field: wrong.field });
}

const read = (_input: unknown, ctx: Ctx) => ctx.read(async (tx) => view(ctx, tx, await runtimeOf(tx)));

export const runtimeHandlers: Handlers<typeof runtime> = {
  listModels: read,
  getRuntime: read,

  setRuntime: ({ body }, ctx) =>
    ctx.write(async (tx) => {
      const stands = await runtimeOf(tx);
      const is = stands.config;
      const config: RuntimeConfig = {
        active_profile: body.active_profile ?? is.active_profile,
        profiles: body.profiles ?? is.profiles,
        route_assignments: body.route_assignments ?? is.route_assignments,
        max_concurrent_agents: body.max_concurrent_agents ?? is.max_concurrent_agents,
        default_timeout_minutes: body.default_timeout_minutes ?? is.default_timeout_minutes,
        default_harness: body.default_harness ?? is.default_harness,
        default_model: body.default_model === undefined ? is.default_model : body.default_model,
        models: body.models ?? is.models,
      };
      await assertSound(ctx, tx, config);
      const meanwhile = new Conflict('version: the configuration was changed meanwhile: read it again', {
        field: 'version',
      });
      if (body.version !== undefined && body.version !== stands.version) throw meanwhile;
      const saved = await saveRuntime(tx, { config, version: stands.version + 1, by: ctx.actor });
      if (!saved) throw meanwhile;
      tx.log({
        kind: 'runtime.configured',
        actor: ctx.actor,
        subject: { kind: 'runtime', id: v5('runtime', ctx.tenantId) },
        version: saved.version,
        body: { config },
      });
      return view(ctx, tx, saved);
    }),
};

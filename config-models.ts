import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Spending } from './domain/model-turn';
import { modelApis, reasoningWays, type AgentModel } from './domain/model';

const positive = z.coerce.number().int().positive();

/** A model behind an OpenAI-compatible API, as docs/investigations.md says. */
export interface ModelSettings {
  /** `/chat/completions` is below it. */
  url: string;
  key: string | null;
  name: string;
  timeoutMs: number;
}

/** Models that investigations ask, and those that agents work with (docs/harnesses/model.md). */
export const modelsEnvironment = {
  /** Plans and narrates investigations; when unset, the rules do. */
  OPS_AGENT_MODEL_URL: z.url({ protocol: /^https?$/ }).optional(),
  OPS_AGENT_MODEL_KEY: z.string().min(1).optional(),
  OPS_AGENT_MODEL_NAME: z.string().min(1).optional(),
  /** Of one answer. */
  OPS_AGENT_MODEL_TIMEOUT_MS: positive.max(120_000).default(20_000),
  /** A JSON list, or the path of a file that holds one; the first model is the usual one. Unset: there is no `model` harness. */
  AGENT_MODELS: z.string().min(1).optional(),
  /** What one run may spend: tokens of both directions, and money in the currency of the prices. */
  AGENT_BUDGET_TOKENS: positive.default(2_000_000),
  AGENT_BUDGET_MONEY: z.coerce.number().positive().default(10),
  /** Writes postmortems from the records (docs/learning.md), a name of AGENT_MODELS; unset: the rules do. */
  LEARNING_MODEL: z.string().min(1).optional(),
  /** What those of a tenant may spend in a day. */
  LEARNING_BUDGET_TOKENS: positive.default(1_000_000),
  LEARNING_BUDGET_MONEY: z.coerce.number().positive().default(5),
};

export interface AgentModels {
  /** What agents can work with, the usual one first; empty: no run has a model. */
  models: AgentModel[];
  /** Of one run. */
  runBudget: Spending;
  learning: LearningSettings;
}

/** A model that writes postmortems, and what a tenant's may spend in a day (UTC). */
export interface LearningSettings {
  model: AgentModel | null;
  budget: Spending;
}

type ModelsEnvironment = z.output<z.ZodObject<typeof modelsEnvironment>>;

/** Null: none is configured. @throws Error when half of it is */
export function opsAgentModelOf(e: ModelsEnvironment): ModelSettings | null {
  const [url, name] = [e.OPS_AGENT_MODEL_URL, e.OPS_AGENT_MODEL_NAME];
  if (url === undefined && name === undefined) return null;
  if (url === undefined || name === undefined)
    throw new Error('OPS_AGENT_MODEL_URL, OPS_AGENT_MODEL_NAME: one without the other');
  return { url, key: e.OPS_AGENT_MODEL_KEY ?? null, name, timeoutMs: e.OPS_AGENT_MODEL_TIMEOUT_MS };
}

/** For a million tokens. */
const price = z.strictObject({ input: z.number().nonnegative(), output: z.number().nonnegative() });

const Models = z
  .array(
    z.strictObject({
      name: z.string().min(1).max(200),
      api: z.enum(modelApis),
      url: z.url({ protocol: /^https?$/ }),
      /** As the endpoint knows it; `name` when it is not said. */
      model: z.string().min(1).max(200).optional(),
      /** The name of the variable that holds the key. The key itself stands nowhere else. */
      key_env: z
        .string()
        .regex(/^[A-Z_][A-Z0-9_]*$/, 'the name of an environment variable, in capitals')
        .optional(),
      timeout_ms: z.int().positive().max(600_000).default(120_000),
      context_window: z.int().min(1_000),
      max_output: z.int().min(16),
      price,
      /** How it is told how much to think; else by an effort (openai), or by tokens of its answer (anthropic). */
      reasoning: z.enum(reasoningWays).optional(),
      /** It has a fast mode, which costs that. */
      fast: z.strictObject({ price }).nullable().default(null),
      /** Others of the list, which are asked in its place where it gives no answer. */
      fallbacks: z.array(z.string().min(1).max(200)).max(6).default([]),
    }),
  )
  .min(1);

const fail = (why: string): never => {
  throw new Error(`AGENT_MODELS: ${why}`);
};

function parsed(text: string): unknown {
  const given = text.trimStart().startsWith('[') ? text : readFileSync(text, 'utf8');
  return JSON.parse(given);
}

/** @throws Error naming what is wrong; never with a key in it */
function modelsOf(given: string | undefined, env: NodeJS.ProcessEnv): AgentModel[] {
  if (given === undefined) return [];
  let json: unknown;
  try {
    json = parsed(given);
  } catch (e) {
    return fail(`neither a JSON list nor a file that holds one (${(e as Error).message})`);
  }
  const models = Models.safeParse(json);
  if (!models.success) return fail(models.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`).join('; '));
  const names = models.data.map((m) => m.name);
  if (new Set(names).size < names.length) return fail('two models have the same name');
  return models.data.map(({ key_env, context_window, max_output, timeout_ms, ...m }) => {
    const key = key_env === undefined ? null : env[key_env];
    if (key === undefined || key === '') return fail(`${m.name}: ${key_env} is not set`);
    if (max_output >= context_window) return fail(`${m.name}: max_output is not below context_window`);
    const reasoning = m.reasoning ?? (m.api === 'anthropic' ? 'budget' : 'effort');
    if (reasoning === 'budget' && m.api !== 'anthropic')
      return fail(`${m.name}: reasoning: only anthropic has budgets`);
    const unknown = m.fallbacks.find((name) => name === m.name || !names.includes(name));
    if (unknown !== undefined) return fail(`${m.name}: fallbacks: ${unknown} is no other model of this list`);
    return {
      ...m, model: m.model ?? m.name, reasoning, key, timeoutMs: timeout_ms, window: context_window, maxOutput: max_output,
    }; // prettier-ignore
  });
}

const spending = (tokens: number, money: number): Spending => ({ tokens, costMicros: Math.round(money * 1_000_000) });

/** @throws Error naming what is wrong; never with a key in it */
export function agentModelsOf(e: ModelsEnvironment, env: NodeJS.ProcessEnv): AgentModels {
  const models = modelsOf(e.AGENT_MODELS, env);
  const model = models.find((m) => m.name === e.LEARNING_MODEL) ?? null;
  if (e.LEARNING_MODEL !== undefined && !model)
    throw new Error(`LEARNING_MODEL: ${e.LEARNING_MODEL} is no model of AGENT_MODELS`);
  return {
    models,
    runBudget: spending(e.AGENT_BUDGET_TOKENS, e.AGENT_BUDGET_MONEY),
    learning: { model, budget: spending(e.LEARNING_BUDGET_TOKENS, e.LEARNING_BUDGET_MONEY) },
  };
}

import { z } from 'zod';
import { reasoningEfforts, scopeTypes, type RunRuntime, type RuntimeConfig } from './runtime';

const label = (max: number) => z.string().trim().min(1).max(max);
const harness = label(50);
const model = label(200).nullable();

/** What may be spent: tokens of both directions. */
export const tokens = z.int().min(1).max(1_000_000_000_000);
/** The same in the currency of the prices; millionths of it are counted. */
export const money = z.number().min(0.000_001).max(1_000_000_000);

/** What is not named here is refused: a configuration holds nothing that nobody reads, and no secret by mistake. */
const ProfileSchema = z.strictObject({
  id: label(100),
  name: label(200),
  description: z.string().max(2_000).default(''),
  harness,
  model: model.default(null),
  reasoning_effort: z.enum(reasoningEfforts).nullable().default(null),
  fast_mode: z.boolean().default(false),
  timeout_minutes: z.int().min(1).max(1440).nullable().default(null),
  max_concurrent_agents: z.int().min(1).max(1000).nullable().default(null),
  budget_tokens: tokens.nullable().default(null),
  budget_money: money.nullable().default(null),
  daily_budget_tokens: tokens.nullable().default(null),
  daily_budget_money: money.nullable().default(null),
  fallbacks: z
    .array(z.strictObject({ harness, model: model.default(null), route: label(200).nullable().default(null) }))
    .max(6)
    .default([]),
  skills: z.array(label(200)).max(40).default([]),
  notes: z.string().max(2_000).default(''),
});

const AssignmentSchema = z.strictObject({
  scope_type: z.enum(scopeTypes),
  scope_value: label(200),
  profile_id: label(100),
  enabled: z.boolean().default(true),
  notes: z.string().max(2_000).default(''),
});

export const RuntimeConfigSchema = z.strictObject({
  active_profile: label(100),
  profiles: z.array(ProfileSchema).min(1).max(100),
  route_assignments: z.array(AssignmentSchema).max(500),
  max_concurrent_agents: z.int().min(1).max(1000),
  default_timeout_minutes: z.int().min(0).max(1440),
  default_harness: harness,
  default_model: model,
  models: z.array(label(200)).max(200),
}) satisfies z.ZodType<RuntimeConfig>;

export const RunRuntimeSchema = z.object({
  timeout_minutes: z.number(),
  reasoning_effort: z.enum(reasoningEfforts).nullable(),
  fast_mode: z.boolean(),
  skills: z.array(z.string()),
  // Runs that were spawned before these were there have none of them.
  fallback_models: z.array(z.string()).default([]),
  budget_tokens: z.int().nullable().default(null),
  budget_money: z.number().nullable().default(null),
}) satisfies z.ZodType<RunRuntime>;

import { Conflict, Invalid } from './errors';
import { usualHarness } from './harnesses';

/** What agents run with: a tenant's profiles, which work takes which, and how many work at once. No secret is ever in it. */

export const reasoningEfforts = ['low', 'medium', 'high', 'extra-high'] as const;
export type ReasoningEffort = (typeof reasoningEfforts)[number];

/**
 * What an assignment may be about, in the order in which they are looked at: the more it says of the work, the earlier.
 * `platform_area` is the kind of task, `condition` is `field=value`, several joined by `and`.
 */
export const scopeTypes = ['workflow_key', 'raci_group', 'platform_area', 'ticket_class', 'condition'] as const;
export type ScopeType = (typeof scopeTypes)[number];

/** The words of the settings page, as they are stored and on the wire. */
export interface Profile {
  id: string;
  name: string;
  description: string;
  harness: string;
  model: string | null;
  reasoning_effort: ReasoningEffort | null;
  fast_mode: boolean;
  /** Of work, without what people take to decide; null: the default of the configuration. */
  timeout_minutes: number | null;
  /** At once, of this profile; null: as many as the tenant may have. */
  max_concurrent_agents: number | null;
  /** What one of its runs may spend, and all of them together in a day (UTC): tokens of both directions, and money in the
   * currency of the prices. Null: what the installation lets any run. For models that are asked here. */
  budget_tokens: number | null;
  budget_money: number | null;
  daily_budget_tokens: number | null;
  daily_budget_money: number | null;
  /** What is taken where the harness of the profile is not here, and which models are asked where its own gives no answer, in order. */
  fallbacks: { harness: string; model: string | null; route: string | null }[];
  skills: string[];
  notes: string;
}
export interface RouteAssignment {
  scope_type: ScopeType;
  scope_value: string;
  profile_id: string;
  enabled: boolean;
  notes: string;
}
export interface RuntimeConfig {
  active_profile: string;
  profiles: Profile[];
  route_assignments: RouteAssignment[];
  max_concurrent_agents: number;
  /** 0: no limit. */
  default_timeout_minutes: number;
  default_harness: string;
  default_model: string | null;
  models: string[];
}

/** What stands until somebody says otherwise. An embedded run costs a few milliseconds a step, so many go on at once. */
export const usualRuntime: RuntimeConfig = {
  active_profile: 'embedded',
  profiles: [
    {
      id: 'embedded', name: 'Embedded analyst', description: 'Rules, without a model', harness: 'embedded', model: null,
      reasoning_effort: null, fast_mode: false, timeout_minutes: null, max_concurrent_agents: null,
      budget_tokens: null, budget_money: null, daily_budget_tokens: null, daily_budget_money: null, fallbacks: [], skills: [], notes: '',
    },
  ],
  route_assignments: [],
  max_concurrent_agents: 50,
  default_timeout_minutes: 60,
  default_harness: usualHarness,
  default_model: null,
  models: [],
}; // prettier-ignore

/** What a run was given when it was spawned; later changes of its profile do not reach it. */
export interface RunRuntime {
  timeout_minutes: number;
  reasoning_effort: ReasoningEffort | null;
  fast_mode: boolean;
  skills: string[];
  /** Models that are asked where its own gives no answer, in order; none: those that the installation names. */
  fallback_models: string[];
  /** What it may spend; null: what the installation lets any run. */
  budget_tokens: number | null;
  budget_money: number | null;
}

/** What an assignment may look at: the work that is to be done. */
export const conditionFields = [
  'priority', 'provider', 'ticket_class', 'owning_group', 'assignee_team', 'security_classification', 'task_type',
] as const; // prettier-ignore
export type ConditionField = (typeof conditionFields)[number];
export interface Work extends Record<ConditionField, string | null> {
  workflow_key: string;
}

const isField = (name: string): name is ConditionField => (conditionFields as readonly string[]).includes(name);

/** `priority=P1 and ticket_class=Incident` by its parts; null when it is no condition. */
export function conditionOf(text: string): [field: ConditionField, value: string][] | null {
  const parts = text.split(/\s+and\s+/i).map((part) => /^\s*([a-z_]+)\s*=\s*(\S(?:.*\S)?)\s*$/.exec(part));
  const read = parts.flatMap((m) =>
    m?.[1] && m[2] && isField(m[1]) ? [[m[1], m[2]] as [ConditionField, string]] : [],
  );
  return read.length === parts.length ? read : null;
}

const same = (a: string | null, b: string): boolean => a !== null && a.trim().toLowerCase() === b.trim().toLowerCase();

function fits(work: Work, { scope_type: type, scope_value: value }: RouteAssignment): boolean {
  switch (type) {
    case 'workflow_key':
      return same(work.workflow_key, value);
    case 'raci_group':
      return same(work.assignee_team, value) || same(work.owning_group, value);
    case 'platform_area':
      return same(work.task_type, value);
    case 'ticket_class':
      return same(work.ticket_class, value);
    case 'condition':
      return conditionOf(value)?.every(([field, wanted]) => same(work[field], wanted)) ?? false;
  }
}

/** The profile that work of this kind takes when nobody names one. */
export function routed(config: RuntimeConfig, work: Work): Profile | null {
  const enabled = config.route_assignments.filter((a) => a.enabled);
  const hit = scopeTypes
    .flatMap((type) => enabled.filter((a) => a.scope_type === type))
    .find((assignment) => fits(work, assignment));
  return profileOf(config, hit?.profile_id ?? config.active_profile);
}
export const profileOf = (config: RuntimeConfig, id: string): Profile | null =>
  config.profiles.find((p) => p.id === id) ?? null;

export interface Wanted {
  profileId: string | null;
  harness: string | null;
  model: string | null;
  /** Of the run alone; null: what its profile says. */
  budgetTokens?: number | null;
  budgetMoney?: number | null;
}
export interface Chosen {
  profileId: string | null;
  harness: string;
  /** Null: that of the agent. */
  model: string | null;
  runtime: RunRuntime;
}

/**
 * What a run works with: the named profile, else the one that its work is routed to; a harness or a model that the request
 * names goes before those of the profile.
 * Whether a harness that the request names is here is not looked at.
 * @throws Invalid for a profile that is not there; Conflict when the profile's harness is not, nor any it falls back on
 */
export function choose(config: RuntimeConfig, wanted: Wanted, work: Work, available: readonly string[]): Chosen {
  const named = wanted.profileId === null ? null : profileOf(config, wanted.profileId);
  if (wanted.profileId !== null && !named) {
    const profiles = config.profiles.map((p) => p.id);
    throw new Invalid(`profile_id: there is no profile ${wanted.profileId}; there are: ${profiles.join(', ')}`, {
      field: 'profile_id',
      profiles,
    });
  }
  const profile = named ?? routed(config, work);
  const ways = profile ? [profile, ...profile.fallbacks] : [{ harness: config.default_harness, model: null }];
  const way = ways.find((w) => available.includes(w.harness));
  const harness = wanted.harness ?? way?.harness;
  if (harness === undefined)
    throw new Conflict(`none of the harnesses of profile ${profile?.id ?? ''} is registered here`, {
      profile_id: profile?.id ?? null,
      available_harnesses: available,
    });
  // A model goes with the harness that it was chosen for.
  const model = wanted.model ?? ways.find((w) => w.harness === harness)?.model ?? null;
  return {
    profileId: profile?.id ?? null,
    harness,
    model: model ?? (harness === config.default_harness ? config.default_model : null),
    runtime: {
      timeout_minutes: profile?.timeout_minutes ?? config.default_timeout_minutes,
      reasoning_effort: profile?.reasoning_effort ?? null,
      fast_mode: profile?.fast_mode ?? false,
      skills: profile?.skills ?? [],
      fallback_models: (profile?.fallbacks ?? []).flatMap((f) =>
        f.harness === harness && f.model !== null && f.model !== model ? [f.model] : [],
      ),
      budget_tokens: wanted.budgetTokens ?? profile?.budget_tokens ?? null,
      budget_money: wanted.budgetMoney ?? profile?.budget_money ?? null,
    },
  };
}

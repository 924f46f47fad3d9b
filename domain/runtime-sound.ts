import { harnessEntry } from './harnesses';
import type { Spending } from './model-turn';
import { conditionFields, conditionOf, type Profile, type RuntimeConfig } from './runtime';

/** What is wrong: the part, and in which words. */
interface Wrong {
  field: string;
  message: string;
}
/** What an installation has, and lets a run spend. */
export interface Installed {
  /** Harnesses. */
  available: readonly string[];
  /** That the `model` harness can ask. */
  models: readonly string[];
  most: Spending;
}

const counts = (harness: string): boolean => harnessEntry(harness)?.kind === 'model';

/** What a run may be given to spend: of models that are asked here, since nobody else's are counted, and no more than any run has. */
export function wrongBudget(
  budget: { tokens: number | null; money: number | null },
  harness: string,
  most: Spending,
  named: (part: 'tokens' | 'money') => string,
): Wrong[] {
  const part = (name: 'tokens' | 'money', value: number | null, bound: number): Wrong[] => {
    if (value === null) return [];
    const field = named(name);
    if (!counts(harness))
      return [{ field, message: `what ${harness} spends is not counted here: budgets are of the harness model` }];
    return value > bound
      ? [{ field, message: `must be ${bound} or less, as the installation has it for any run` }]
      : [];
  };
  return [...part('tokens', budget.tokens, most.tokens), ...part('money', budget.money, most.costMicros / 1_000_000)];
}

/** What is wrong with a configuration by itself: the part, and in which words. Null: nothing. */
export function wrongIn(config: RuntimeConfig, { available, models, most }: Installed): Wrong | null {
  const ids = config.profiles.map((p) => p.id);
  const twice = ids.findIndex((id, i) => ids.indexOf(id) !== i);
  if (twice !== -1) return { field: `profiles.${twice}.id`, message: `profile ${ids[twice] ?? ''} is there twice` };
  const isHere = (harness: string, field: string) =>
    available.includes(harness)
      ? []
      : [{ field, message: `${harness} is not registered here; available: ${available.join(', ')}` }];
  const isProfile = (id: string, field: string) =>
    ids.includes(id) ? [] : [{ field, message: `there is no profile ${id}; there are: ${ids.join(', ')}` }];
  const isAsked = ({ harness, model }: { harness: string; model: string | null }, field: string) =>
    !counts(harness) || model === null || models.includes(model)
      ? []
      : [{ field, message: `${model} is not configured here; available: ${models.join(', ')}` }];
  const isSpent = (p: Profile, at: string): Wrong[] => {
    const unbounded = { tokens: Infinity, costMicros: Infinity };
    const ofDay = { tokens: p.daily_budget_tokens, money: p.daily_budget_money };
    return [
      ...wrongBudget({ tokens: p.budget_tokens, money: p.budget_money }, p.harness, most, (part) => `${at}.budget_${part}`),
      ...wrongBudget(ofDay, p.harness, unbounded, (part) => `${at}.daily_budget_${part}`),
    ]; // prettier-ignore
  };
  const [wrong] = [
    ...isProfile(config.active_profile, 'active_profile'),
    ...isHere(config.default_harness, 'default_harness'),
    ...isAsked({ harness: config.default_harness, model: config.default_model }, 'default_model'),
    ...config.profiles.flatMap((p, i) => [
      ...isHere(p.harness, `profiles.${i}.harness`),
      ...isAsked(p, `profiles.${i}.model`),
      ...isSpent(p, `profiles.${i}`),
      ...p.fallbacks.flatMap((f, n) => [
        ...isHere(f.harness, `profiles.${i}.fallbacks.${n}.harness`),
        ...isAsked(f, `profiles.${i}.fallbacks.${n}.model`),
      ]),
    ]),
    ...config.route_assignments.flatMap((a, i) => [
      ...isProfile(a.profile_id, `route_assignments.${i}.profile_id`),
      ...(a.scope_type === 'condition' && !conditionOf(a.scope_value)
        ? [{ field: `route_assignments.${i}.scope_value`, message: `must be field=value, several joined by “and”; fields: ${conditionFields.join(', ')}` }]
        : []),
    ]),
  ]; // prettier-ignore
  return wrong ?? null;
}

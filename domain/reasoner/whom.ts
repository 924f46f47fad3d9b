import type { AgentModel } from '../model';
import type { ModelTurn } from '../model-turn';
import type { Run } from '../run';

/** What is written as the reason why an attempt ended, where the same model is not asked again in that turn. */
export const notAgain = 'not_again';

/**
 * Whom a run asks, in order: its own model, then those that its profile names in its place, or else its model's own. Whoever
 * answered last comes first, so that a run does not meet the same trouble in each of its turns. Those that are not configured
 * (any more) are left out.
 */
export function orderOf(
  run: Pick<Run, 'model' | 'runtime'>,
  models: readonly AgentModel[],
  turns: readonly Pick<ModelTurn, 'state' | 'model'>[],
): AgentModel[] {
  const own = run.model ?? models[0]?.name ?? '';
  const named = run.runtime?.fallback_models ?? [];
  const behind = named.length ? named : (models.find((m) => m.name === own)?.fallbacks ?? []);
  const last = turns.findLast((t) => t.state === 'answered')?.model;
  const names = [own, ...behind];
  const order = new Set(last !== undefined && names.includes(last) ? [last, ...names] : names);
  return [...order].flatMap((name) => models.find((m) => m.name === name) ?? []);
}

type Attempt = Pick<ModelTurn, 'state' | 'model' | 'stopReason'>;

/**
 * Those that may still be asked in a turn, the next one first: each has its share of the attempts. A prompt that is too long
 * counts for none of them: it is summed up.
 */
export function left(order: readonly AgentModel[], before: readonly Attempt[], attempts: number): AgentModel[] {
  const each = Math.max(1, Math.floor(attempts / order.length));
  return order.filter(({ name }) => {
    const its = before.filter((t) => t.model === name && (t.state === 'failed' || t.state === 'lost'));
    return !its.some((t) => t.stopReason === notAgain) && its.filter((t) => t.stopReason !== 'too_long').length < each;
  });
}

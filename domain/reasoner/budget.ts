import type { AgentModel } from '../model';
import type { ModelTurn, Spending } from '../model-turn';
import type { Profile, RunRuntime } from '../runtime';

/** What an answer takes, or may take at most. */
export interface Amount {
  tokensIn: number;
  tokensOut: number;
  costMicros: number;
}

/** Characters of a token where nothing was measured yet: fewer than any text has, so that too much is reserved at first. */
const assumed = 2;
/** What is measured of one prompt is that much off for the next. */
const margin = 1.1;

/** Characters that a token has, by what the endpoint counted of the newest prompt of this run; of that model's, where it had one. */
export function charsPerToken(turns: readonly ModelTurn[], model: string | null = null): number {
  const known = turns.filter((t) => t.state === 'answered' && !t.estimated && t.tokensIn > 0);
  const counted = known.findLast((t) => t.model === model) ?? known.at(-1);
  return counted ? counted.promptChars / counted.tokensIn / margin : assumed;
}

const costOf = ({ price }: Pick<AgentModel, 'price'>, tokensIn: number, tokensOut: number): number =>
  Math.ceil(tokensIn * price.input + tokensOut * price.output);

/** For a million tokens in units is for a token in millionths. */
export const amountOf = (model: Pick<AgentModel, 'price'>, tokensIn: number, tokensOut: number): Amount => ({
  tokensIn, tokensOut, costMicros: costOf(model, tokensIn, tokensOut),
}); // prettier-ignore

/** What is set aside before the model is asked: the whole prompt, and the longest answer. */
export const reserve = (model: AgentModel, promptChars: number, perToken: number): Amount =>
  amountOf(model, Math.ceil(promptChars / perToken), model.maxOutput);

const money = (micros: number): string => (micros / 1_000_000).toFixed(micros % 10_000 === 0 ? 2 : 6);

/** What is bounded, in one of both directions or in both. */
export type Bounds = { readonly [K in keyof Spending]: number | null };

/** Why a budget has no room for it; null: it has. `whose`, as people are told: `this run`. */
export function refusedBy(whose: string, budget: Bounds, spent: Spending, next: Amount): string | null {
  const tokens = next.tokensIn + next.tokensOut;
  if (budget.tokens !== null && spent.tokens + tokens > budget.tokens)
    return `the budget of ${whose} is used up: ${spent.tokens} of ${budget.tokens} tokens are spent, and the next turn may take ${tokens}`;
  if (budget.costMicros !== null && spent.costMicros + next.costMicros > budget.costMicros)
    return `the budget of ${whose} is used up: ${money(spent.costMicros)} of ${money(budget.costMicros)} are spent, and the next turn may cost ${money(next.costMicros)}`;
  return null;
}

/** The same before anything is known of what comes: there has to be something left. */
export function usedUp(whose: string, budget: Bounds, spent: Spending): string | null {
  if (budget.tokens !== null && spent.tokens >= budget.tokens)
    return `the budget of ${whose} is used up: ${spent.tokens} of ${budget.tokens} tokens are spent`;
  if (budget.costMicros !== null && spent.costMicros >= budget.costMicros)
    return `the budget of ${whose} is used up: ${money(spent.costMicros)} of ${money(budget.costMicros)} are spent`;
  return null;
}

export const microsOf = (amount: number): number => Math.round(amount * 1_000_000);

/** What a run may spend: what it was given, and never more than the installation lets any run. */
export function budgetOf(most: Spending, runtime: Pick<RunRuntime, 'budget_tokens' | 'budget_money'> | null): Spending {
  const { budget_tokens: tokens = null, budget_money: amount = null } = runtime ?? {};
  return {
    tokens: Math.min(most.tokens, tokens ?? most.tokens),
    costMicros: Math.min(most.costMicros, amount === null ? most.costMicros : microsOf(amount)),
  };
}

/** What all runs of a profile may spend in a day (UTC); null: as much as they are. */
export function dailyOf(profile: Pick<Profile, 'daily_budget_tokens' | 'daily_budget_money'> | null): Bounds | null {
  const { daily_budget_tokens: tokens = null, daily_budget_money: amount = null } = profile ?? {};
  if (tokens === null && amount === null) return null;
  return { tokens, costMicros: amount === null ? null : microsOf(amount) };
}
export const ofToday = (profileId: string): string => `profile ${profileId} for today`;

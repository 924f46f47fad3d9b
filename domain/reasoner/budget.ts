import type { AgentModel } from '../model';
import type { ModelTurn, Spending } from '../model-turn';

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

/** Characters that a token has, by what the endpoint counted of the newest prompt of this run. */
export function charsPerToken(turns: readonly ModelTurn[]): number {
  const counted = turns.findLast((t) => t.state === 'answered' && !t.estimated && t.tokensIn > 0);
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

/** Why a budget has no room for it; null: it has. */
export function refusedBy(budget: Spending, spent: Spending, next: Amount): string | null {
  const tokens = next.tokensIn + next.tokensOut;
  if (spent.tokens + tokens > budget.tokens)
    return `the budget of this run is used up: ${spent.tokens} of ${budget.tokens} tokens are spent, and the next turn may take ${tokens}`;
  if (spent.costMicros + next.costMicros > budget.costMicros)
    return `the budget of this run is used up: ${money(spent.costMicros)} of ${money(budget.costMicros)} are spent, and the next turn may cost ${money(next.costMicros)}`;
  return null;
}

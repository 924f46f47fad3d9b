import type { streamText } from 'ai';
import type { AgentModel } from '../../../domain/model';
import type { Said } from '../../../domain/reasoner/conversation';
import type { ReasoningEffort } from '../../../domain/runtime';

/** How a model is to answer, as the profile of a run says. */
export interface Manner {
  effort: ReasoningEffort | null;
  fast: boolean;
}
export const asItIs: Manner = { effort: null, fast: false };

/** The words that endpoints of both kinds have for it. */
const efforts = { low: 'low', medium: 'medium', high: 'high', 'extra-high': 'xhigh' } as const;
/** What of the longest answer is for thinking. */
const shares: Record<ReasoningEffort, number> = { low: 0, medium: 1 / 4, high: 1 / 2, 'extra-high': 3 / 4 };
/** Anthropic takes no smaller budget; what is left for words and calls is no smaller either. */
const least = 1_024;

/**
 * Where a model thinks, its endpoint wants back what it thought before its last calls. What is not there any more (it was said
 * by another model, or a secret was taken out of it) keeps it from thinking until people have said something.
 */
const mayThink = (said: readonly Said[]): boolean =>
  said
    .slice(said.findLastIndex((part) => part.role === 'user') + 1)
    .every((part) => part.role !== 'assistant' || part.calls.length === 0 || Boolean(part.reasoning?.length));

/** Tokens of an answer that are for thinking; 0: none are. */
export function thinkingTokens(model: Pick<AgentModel, 'reasoning' | 'maxOutput'>, { effort }: Manner): number {
  if (model.reasoning !== 'budget' || effort === null || model.maxOutput < 2 * least) return 0;
  return Math.min(Math.max(least, Math.floor(model.maxOutput * shares[effort])), model.maxOutput - least);
}

type Options = NonNullable<Parameters<typeof streamText>[0]['providerOptions']>;

/** What goes over with a request: what the endpoint is asked for, and the tokens of words and calls. Together never more than `maxOutput`. */
export function inThatManner(
  model: AgentModel,
  manner: Manner,
  said: readonly Said[],
): { maxOutputTokens: number; providerOptions: Options } {
  const fast = manner.fast && model.fast !== null;
  const effort = model.reasoning === 'effort' && manner.effort !== null ? efforts[manner.effort] : null;
  if (model.api === 'openai') {
    const endpoint = { ...(effort && { reasoningEffort: effort }), ...(fast && { service_tier: 'priority' }) };
    return { maxOutputTokens: model.maxOutput, providerOptions: { endpoint } };
  }
  const budgetTokens = mayThink(said) ? thinkingTokens(model, manner) : 0;
  return {
    maxOutputTokens: model.maxOutput - budgetTokens, // the SDK adds the other on its way
    providerOptions: {
      anthropic: {
        ...(effort && { effort }),
        ...(budgetTokens > 0 && { thinking: { type: 'enabled', budgetTokens } }),
        ...(fast && { speed: 'fast' }),
      },
    },
  };
}

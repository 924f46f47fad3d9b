import type { Reasoning, ToolAsk } from './model-turn';

export interface Message {
  role: 'system' | 'user';
  content: string;
}

/** A language model that answers with JSON. */
export interface Model {
  name: string;
  timeoutMs: number;
  /**
   * One answer. `key` is the same for every attempt at it.
   * @throws Unusable when asking again would not help; anything else is trouble on the way
   */
  ask(messages: readonly Message[], key: string, signal: AbortSignal): Promise<string>;
}

/** The model answered, and it is of no use: the rules decide instead. `answer` as far as there was one. */
export class Unusable extends Error {
  readonly answer: string | null;
  constructor(why: string, answer: string | null = null) {
    super(why);
    this.answer = answer;
  }
}

/** openai: chat completions as OpenAI has them and others speak too. anthropic: its messages. */
export const modelApis = ['openai', 'anthropic'] as const;
export type ModelApi = (typeof modelApis)[number];

/** Where a model is asked. */
export interface Endpoint {
  api: ModelApi;
  /** `/chat/completions` or `/messages` is below it. */
  url: string;
  key: string | null;
  /** As the endpoint knows the model. */
  model: string;
}

/**
 * How a model is told how much to think. effort: by a word that its endpoint knows. budget: by tokens of its answer that are for
 * thinking (anthropic). none: it is not told.
 */
export const reasoningWays = ['effort', 'budget', 'none'] as const;
export type ReasoningWay = (typeof reasoningWays)[number];

/** For a million tokens, in the currency of the budget. */
export interface Price {
  input: number;
  output: number;
}

/** A model that agents can work with, as it was configured. */
export interface AgentModel extends Endpoint {
  /** By which a run asks for it. */
  name: string;
  /** Of one answer. */
  timeoutMs: number;
  /** Tokens that a prompt and its answer may have together, and an answer alone. */
  window: number;
  maxOutput: number;
  price: Price;
  reasoning: ReasoningWay;
  /** What it costs where it is asked to be fast; null: it has no such mode. */
  fast: { price: Price } | null;
  /** Whom a run asks in its place where it gives no answer, by name, in order. */
  fallbacks: readonly string[];
}

/** A tool as a model is told of it. */
export interface ToolSpec {
  name: string;
  description: string;
  /** JSON Schema of an object. */
  schema: Record<string, unknown>;
}

/** One answer of a model in a conversation. */
export interface Spoken {
  text: string;
  calls: ToolAsk[];
  reasoning: Reasoning[];
  /** stop, tool-calls, length and what else there is. */
  stopReason: string;
  /** Null: the endpoint counted nothing. */
  usage: { tokensIn: number; tokensOut: number } | null;
}

/**
 * Why a model gave no answer. rejected: the endpoint refused, and would again. too_long: so is the prompt. busy: not now; nothing
 * was done. unheard: the request went out, and nobody knows what came of it.
 */
export type TroubleKind = 'rejected' | 'too_long' | 'busy' | 'unheard';
export class ModelTrouble extends Error {
  constructor(
    readonly kind: TroubleKind,
    message: string,
    /** When the endpoint wants to be asked again. */
    readonly retryAfterMs: number | null = null,
  ) {
    super(message);
  }
}

/** turn: what to do next. summary: what was said and seen until then, in fewer words, in place of it. */
export const turnPurposes = ['turn', 'summary'] as const;
export type TurnPurpose = (typeof turnPurposes)[number];

/**
 * reserved: tokens and money are set aside, and the model is being asked. answered: settled by what it took. failed: settled,
 * without an answer. lost: nobody knows whether it was answered: what was reserved counts as spent. refused: it was not asked.
 */
export const turnStates = ['reserved', 'answered', 'failed', 'lost', 'refused'] as const;
export type TurnState = (typeof turnStates)[number];

/** A tool call as a model asked for it. */
export interface ToolAsk {
  /** The model's own. */
  id: string;
  /** By our name where it is one of ours, else as the model had it. */
  tool: string;
  /** Null: they were no JSON object. */
  args: Record<string, unknown> | null;
}

/** What a model thought before it spoke, as it wants it back: signed by its endpoint, or closed altogether. */
export interface Reasoning {
  text: string;
  signature: string | null;
  redacted: string | null;
}

/** One attempt at one turn of a model in a run. */
export interface ModelTurn {
  id: string;
  tenantId: string;
  runId: string;
  /** Of the run: its budget of a day is what all its runs spend. */
  profileId: string | null;
  /** From 0. */
  turn: number;
  /** From 1. */
  attempt: number;
  purpose: TurnPurpose;
  state: TurnState;
  model: string;
  /** The ledger's next free step when the model was asked: its first call has it. */
  step: number;
  /** How many of the things that people said were in its prompt. */
  heard: number;
  /** Of a summary: it stands for the turns before this one. */
  covers: number | null;
  promptDigest: string;
  promptChars: number;
  text: string;
  calls: ToolAsk[];
  /** Kept where it can go back as it was: an endpoint refuses what was changed. */
  reasoning: Reasoning[];
  stopReason: string | null;
  /** Reserved, then as the endpoint counted them; `estimated` where it counted nothing. */
  tokensIn: number;
  tokensOut: number;
  /** Millionths of the currency that prices are given in. */
  costMicros: number;
  estimated: boolean;
  error: string | null;
  startedAt: string;
  durationMs: number | null;
}

/** Tokens of both directions, and what they cost. */
export interface Spending {
  tokens: number;
  costMicros: number;
}

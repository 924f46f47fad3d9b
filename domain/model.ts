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

import type { Ctx } from './kernel';
import type { Conversation } from './operation';

/** The way to whoever listens. */
export interface Line {
  /** Waits until it is taken; false: nobody is there any more, or they were too slow. */
  send(message: unknown): Promise<boolean>;
  close(code: number, reason: string): void;
}

/** What carries a conversation out. */
export interface Talk {
  name: string;
  socket: Conversation;
  /** Begins to talk with whoever has said who they are. `hear` takes each message that fits the declaration. */
  talk: (ctx: Ctx, line: Line) => Promise<{ hear: (message: never) => void }>;
}

/** Why one was closed, in the range that is for applications (docs/orchestration.md). */
export const closeCodes = { unauthorized: 4401, forbidden: 4403, tooSlow: 4408, rateLimited: 4429 } as const;

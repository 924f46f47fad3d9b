import type { SeenTurn } from '../../../db/command-turns';
import { storableText } from '../../../domain/storable';
import type { Said } from '../../../runner/signals';

const mostWord = 100;
const word = (text: string | null): string | null => (text === null ? null : storableText(text.slice(0, mostWord)));

/** What the model of a command did, from what the command says line by line. */
export class Turns {
  private open = new Map<string, SeenTurn>();
  /** Parts of one message come one after the other, perhaps after the first was written down. */
  private latest: SeenTurn | null = null;
  /** When it said something last, while this worker has watched. */
  private lastAt: number | null = null;
  private toolSince: number | null = null;

  /** @param at where the line stands in the log: read again after a crash, it is the same turn */
  hear({ turn, progress }: Said, at: number): void {
    const now = performance.now();
    if (turn) {
      const key = word(turn.id) ?? `at ${at}`;
      const before = this.open.get(key);
      const took = this.lastAt === null ? null : now - this.lastAt;
      const seen: SeenTurn = {
        key,
        model: word(turn.model) ?? before?.model ?? null,
        durationMs: before ? (before.durationMs ?? 0) + (took ?? 0) : took,
        stopReason: word(turn.stopReason) ?? before?.stopReason ?? null,
        hasToolUse: turn.usesTool || (this.latest?.key === key && this.latest.hasToolUse),
        tokensIn: Math.max(turn.inputTokens, before?.tokensIn ?? 0),
        tokensOut: Math.max(turn.outputTokens, before?.tokensOut ?? 0),
      };
      this.open.set(key, seen);
      this.latest = seen;
      this.toolSince = seen.stopReason === 'tool_use' && !seen.hasToolUse ? now : null;
    } else if (progress !== null) this.toolSince = null;
    if (turn || progress !== null) this.lastAt = now;
  }

  /** For how long its model has stopped to call a tool, and called none. */
  get awaitsToolMs(): number {
    return this.toolSince === null ? 0 : performance.now() - this.toolSince;
  }

  /** Those since the last time. */
  taken(): SeenTurn[] {
    const turns = [...this.open.values()];
    this.open = new Map();
    return turns;
  }
}

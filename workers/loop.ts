import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';

/**
 * Looks again and again, until the signal is aborted and for no other reason: trouble is waited out. Looking takes a tenth
 * of the time at most, however many tenants there are. `trouble` says in the log what is late then.
 */
export async function keepLooking(
  { pollMs, longestWaitMs, trouble }: { pollMs: number; longestWaitMs: number; trouble: string },
  logger: Logger,
  signal: AbortSignal,
  look: () => Promise<void>,
): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    let waitMs = pollMs;
    try {
      const from = performance.now();
      await look();
      waitMs = Math.max(pollMs, 10 * (performance.now() - from));
      failures = 0;
    } catch (err) {
      failures += 1;
      waitMs = Math.min(pollMs * 2 ** failures, longestWaitMs);
      logger.warn({ err, waitMs }, trouble);
    }
    await delay(waitMs, undefined, { signal }).catch((e: unknown) => {
      if (!signal.aborted) throw e;
    });
  }
}

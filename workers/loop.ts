import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';

export interface Often {
  pollMs: number;
  longestWaitMs: number;
  /** Says in the log what is late when looking fails. */
  trouble: string;
}

/** How long to wait after so many failures in a row. */
export const backOff = (failures: number, { pollMs, longestWaitMs }: Often): number =>
  Math.min(pollMs * 2 ** failures, longestWaitMs);

/**
 * Looks again and again, until the signal is aborted and for no other reason: trouble is waited out. Looking takes a tenth
 * of the time at most, however many tenants there are.
 * @param look answers how many ms of it were looking, where it did what it found as well
 */
export async function keepLooking(
  often: Often,
  logger: Logger,
  signal: AbortSignal,
  look: () => Promise<number | void>,
): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    let waitMs = often.pollMs;
    try {
      const from = performance.now();
      const lookingMs = await look();
      waitMs = Math.max(often.pollMs, 10 * (lookingMs ?? performance.now() - from));
      failures = 0;
    } catch (err) {
      failures += 1;
      waitMs = backOff(failures, often);
      logger.warn({ err, waitMs }, often.trouble);
    }
    await delay(waitMs, undefined, { signal }).catch((e: unknown) => {
      if (!signal.aborted) throw e;
    });
  }
}

/** Which tenants have something to be done, and what is done for each. */
type Round = readonly [tenants: () => Promise<readonly string[]>, work: (tenantId: string) => Promise<unknown>];

/**
 * One round after the other, one tenant after the other: the trouble of one is logged, and keeps nobody else from theirs.
 * @throws the first of it, at the end
 */
export async function eachTenant(
  { trouble }: Often,
  logger: Logger,
  signal: AbortSignal,
  rounds: readonly Round[],
): Promise<void> {
  const troubles: unknown[] = [];
  for (const [tenants, work] of rounds) {
    for (const tenantId of await tenants()) {
      if (signal.aborted) return;
      await work(tenantId).catch((err: unknown) => {
        logger.warn({ err, tenantId }, trouble);
        troubles.push(err);
      });
    }
  }
  if (troubles.length) throw troubles[0];
}

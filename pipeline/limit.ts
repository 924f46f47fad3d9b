import type { RateLimiterAbstract, RateLimiterRes } from 'rate-limiter-flexible';

/** Resolves when one more call may be made; rejects with an Error when the store is away, with anything else when not. */
export interface Limiter {
  consume(key: string): Promise<unknown>;
}

interface Held {
  left: number;
  until: number;
}

/**
 * Takes points from a limiter that all processes share by the block, and spends them here: one round trip in `size` calls.
 * Never lets more through than the limiter does; what a process holds when the window ends is not used.
 */
export function inBlocks(
  shared: Pick<RateLimiterAbstract, 'consume'>,
  size: number,
  now: () => number = Date.now,
): Limiter {
  const held = new Map<string, Held>();
  const asking = new Map<string, Promise<RateLimiterRes>>();

  const ask = (key: string): Promise<RateLimiterRes> => {
    const asked = shared.consume(key, size).finally(() => asking.delete(key));
    asking.set(key, asked);
    return asked;
  };
  return {
    async consume(key) {
      for (;;) {
        const have = held.get(key);
        if (have && have.left > 0 && now() < have.until) {
          have.left -= 1;
          return;
        }
        // Calls at the same time wait for one block.
        const waits = asking.get(key);
        if (waits) {
          await waits;
          continue;
        }
        for (const [k, { until }] of held) if (until <= now()) held.delete(k);
        const { msBeforeNext } = await ask(key);
        held.set(key, { left: size, until: now() + msBeforeNext });
      }
    },
  };
}

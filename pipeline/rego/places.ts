import { RateLimited } from '../../domain/errors';
import { createTurns } from './turns';

/**
 * So many at a time, and one of each owner, so that others find a place; who waits takes turns by the time that theirs took.
 * @throws RateLimited where `mostWaiting` of the owner's wait already
 */
export function createPlaces(atOnce: number, mostWaiting: number) {
  const under = new Set<string>();
  const waiting = createTurns<{ owner: string; begin: () => void }>();
  const next = (): void => {
    const one = under.size < atOnce ? waiting.next(under) : undefined;
    if (!one) return;
    under.add(one.owner);
    one.begin();
    next();
  };
  return async <T>(owner: string, work: () => Promise<T>): Promise<T> => {
    if (waiting.waiting(owner) >= mostWaiting)
      throw new RateLimited('rate_limited', { limit_type: 'policies_waiting', retry_after_s: 10 });
    await new Promise<void>((begin) => {
      waiting.add({ owner, begin });
      next();
    });
    const since = performance.now();
    try {
      return await work();
    } finally {
      waiting.took(owner, performance.now() - since);
      under.delete(owner);
      next();
    }
  };
}

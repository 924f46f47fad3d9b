import { setTimeout as pause } from 'node:timers/promises';

/** A proof that waits for what never comes has to say so. @throws Error naming it, after `withinMs` */
export async function soon<T>(what: string, work: Promise<T>, withinMs = 60_000): Promise<T> {
  const over = new AbortController();
  const late = pause(withinMs, undefined, { signal: over.signal }).then(() => {
    throw new Error(`not within ${withinMs / 1000} s: ${what}`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    late.catch(() => undefined); // it is called off
    over.abort();
  }
}

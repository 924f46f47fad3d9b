import { setTimeout as pause } from 'node:timers/promises';

/** @throws Error naming what did not come */
export async function until<T>(what: string, look: () => Promise<T | null>, patienceMs = 90_000): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const seen = await look();
    if (seen !== null) return seen;
    if (performance.now() > deadline) throw new Error(`not within ${patienceMs / 1000} s: ${what}`);
    await pause(50);
  }
}

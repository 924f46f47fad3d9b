import { setTimeout as delay } from 'node:timers/promises';

/**
 * Between two looks: an eighth of what was waited so far. A look is a request with all that it costs, and two of them at a time
 * that nobody needs keep a core from what they look for.
 */
export const pause = (from: number): Promise<void> => delay(Math.min(200, Math.max(15, (Date.now() - from) / 8)));

/** Waits for a condition that nothing announces. @throws Error naming it when it does not come true in time. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, withinMs = 60_000): Promise<void> {
  for (const from = Date.now(); !(await holds()); await pause(from)) {
    if (Date.now() > from + withinMs) throw new Error(`not within ${withinMs / 1000} s: ${what}`);
  }
}

/** For what becomes so in a moment: looks again until it holds. @throws what the last look threw. */
export async function settles(look: () => Promise<void>, withinMs = 10_000): Promise<void> {
  for (const from = Date.now(); ; await pause(from)) {
    try {
      return await look();
    } catch (error) {
      if (Date.now() > from + withinMs) throw error;
    }
  }
}

/** Whether a process exists. */
export function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

import { setTimeout as delay } from 'node:timers/promises';

/** Waits for a condition that nothing announces. @throws Error naming it when it does not come true in time. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, withinMs = 60_000): Promise<void> {
  for (const deadline = Date.now() + withinMs; !(await holds()); await delay(20)) {
    if (Date.now() > deadline) throw new Error(`not within ${withinMs / 1000} s: ${what}`);
  }
}

/** For what becomes so in a moment: looks again until it holds. @throws what the last look threw. */
export async function settles(look: () => Promise<void>, withinMs = 10_000): Promise<void> {
  for (const deadline = Date.now() + withinMs; ; await delay(20)) {
    try {
      return await look();
    } catch (error) {
      if (Date.now() > deadline) throw error;
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

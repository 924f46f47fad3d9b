import type { Harness } from './harness';

/** A command works on the task, and the kernel stays with it: what it does is in its log, its checkpoint and its calls. */
export const commandHarness = (name: string): Harness => ({
  name,
  answersItself: true,
  next: () => ({ kind: 'attend' }),
});

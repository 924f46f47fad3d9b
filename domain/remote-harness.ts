import type { Harness } from './harness';

/** Whoever claims the task works on it, elsewhere: what they do is in their checkpoints and their calls. */
export const remoteHarness: Harness = { name: 'remote', answersItself: true, next: () => ({ kind: 'offer' }) };

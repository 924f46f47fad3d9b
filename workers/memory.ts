import { totalmem } from 'node:os';
import { setFlagsFromString } from 'node:v8';

/** Bytes that a workflow which waits takes of its worker: 70 KB in two V8 heaps, the rest in the SDK's core (bench/RESULTS.md). */
const ofWorkflow = 260 * 1024;
const [fewest, most] = [200, 2_000];

/** What this process may use, in bytes: the container's limit where there is one. */
function memory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

/**
 * How many workflows a worker keeps, in an eighth of its memory: one more is let go of, and replayed from its history when
 * something happens to it.
 */
export const workflowsToKeep = (bytes = memory()): number =>
  Math.min(most, Math.max(fewest, Math.floor(bytes / 8 / ofWorkflow)));

/**
 * A workflow that was let go of is garbage, most of it old, and left to itself V8 has a heap double before it looks for that.
 * So it looks when an old heap has grown by a seventh, and the workflows' thread, which has yet to begin, gets a small nursery.
 * The SDK starts that thread without limits of its own: flags are the only way to it.
 */
export function boundHeaps(): void {
  setFlagsFromString('--heap-growing-percent=15');
  setFlagsFromString('--max-semi-space-size=4');
}

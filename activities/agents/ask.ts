import { ApplicationFailure } from '@temporalio/activity';
import type { Brief, Harness, Move, Observation } from '../../domain/harness';

const failed = (message: string, cause?: unknown): ApplicationFailure =>
  ApplicationFailure.create({
    message,
    type: 'HarnessFailed',
    nonRetryable: true,
    ...(cause instanceof Error && { cause }),
  });

/** The harness's next move. It is pure: what it throws once it throws always, so no retry follows. @throws HarnessFailed */
export function ask(harness: Harness, brief: Brief, observations: readonly Observation[]): Move {
  try {
    return harness.next(brief, observations);
  } catch (e) {
    throw failed(`harness ${harness.name}: ${e instanceof Error ? e.message : String(e)}`, e);
  }
}

/** @throws HarnessFailed */
export function harnessOf(harnesses: ReadonlyMap<string, Harness>, name: string): Harness {
  const harness = harnesses.get(name);
  if (!harness) throw failed(`there is no harness ${name}`);
  return harness;
}

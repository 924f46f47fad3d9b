import { ApplicationFailure } from '@temporalio/activity';
import type { Brief, Harness, Move, Observation } from '../../domain/harness';
import type { ModelTurn } from '../../domain/model-turn';

/** Nothing that a repeat would change. */
export const harnessFailed = (message: string, cause?: unknown): ApplicationFailure =>
  ApplicationFailure.create({
    message,
    type: 'HarnessFailed',
    nonRetryable: true,
    ...(cause instanceof Error && { cause }),
  });

/** The harness's next move. It is pure: what it throws once it throws always, so no retry follows. @throws HarnessFailed */
export function ask(
  harness: Harness,
  brief: Brief,
  observations: readonly Observation[],
  turns: readonly ModelTurn[] = [],
): Move {
  try {
    return harness.next(brief, observations, turns);
  } catch (e) {
    throw harnessFailed(`harness ${harness.name}: ${e instanceof Error ? e.message : String(e)}`, e);
  }
}

/** @throws HarnessFailed */
export function harnessOf(harnesses: ReadonlyMap<string, Harness>, name: string): Harness {
  const harness = harnesses.get(name);
  if (!harness) throw harnessFailed(`there is no harness ${name}`);
  return harness;
}

import { Conflict, Invalid } from './errors';
import type { Blueprint, BlueprintStatus } from './learning';

/** How a blueprint's tests went: null where nobody said. */
export type Verdict = 'passed' | 'failed' | null;

export interface Edit {
  asked: BlueprintStatus | null;
  /** Another workflow_key than before. */
  rekeyed: boolean;
  /** What it says of its work, or how it is tested, is another than before. */
  changed: boolean;
  tests: Verdict;
}

const bySupersession = (asked: BlueprintStatus | null): never => {
  throw new Invalid(`status: ${asked} comes of a review of another workflow with the same key`, { field: 'status' });
};

/** To write a workflow never activates it: people do, by a review. @throws Invalid */
function wanted(asked: BlueprintStatus, tests: Verdict): BlueprintStatus {
  if (asked === 'superseded') return bySupersession(asked);
  if (asked === 'tested' && tests === 'failed')
    throw new Invalid('status: it is not tested, a test has failed', { field: 'status' });
  return asked === 'active' ? 'ready_for_review' : asked;
}

const tested = (tests: Exclude<Verdict, null>): BlueprintStatus => (tests === 'passed' ? 'tested' : 'needs_revision');

/** The status of a new one. @throws Invalid */
export const opened = (asked: BlueprintStatus | null, tests: Verdict): BlueprintStatus =>
  asked === null ? (tests === null ? 'draft' : tested(tests)) : wanted(asked, tests);

/**
 * The status of one that is changed. An active one stays that, and misses its review from then on, unless its key changes:
 * then what stands under the new key goes on until a review. Tests speak of the text that they were made with.
 * @throws Conflict for a superseded one, Invalid
 */
export function edited(current: BlueprintStatus, { asked, rekeyed, changed, tests }: Edit): BlueprintStatus {
  if (current === 'superseded')
    throw new Conflict('a superseded workflow is not changed any more', { status: current });
  if (asked === 'superseded') return bySupersession(asked);
  if (current === 'active') return rekeyed ? 'ready_for_review' : 'active';
  if (asked !== null) return wanted(asked, tests);
  if (tests !== null) return tested(tests);
  const stale = changed && (current === 'tested' || current === 'needs_revision');
  return stale ? 'ready_for_review' : current;
}

/** What a review comes to. @throws Conflict for a superseded one */
export function reviewed(current: BlueprintStatus, approved: boolean): 'active' | 'needs_revision' {
  if (current === 'superseded')
    throw new Conflict('a superseded workflow is not reviewed again: write it anew under its key', { status: current });
  return approved ? 'active' : 'needs_revision';
}

/**
 * Whoever may write one may say that it is tested, and try it out; an active one goes by the review of what it now says.
 * @throws Conflict unless it is tested, or active and reviewed
 */
export function assertRunnable(blueprint: Pick<Blueprint, 'number' | 'status' | 'reviewedAt'>): void {
  const { number, status, reviewedAt } = blueprint;
  if (status === 'tested' || (status === 'active' && reviewedAt !== null)) return;
  if (status === 'active')
    throw new Conflict(`workflow ${number} was changed since its review: it runs when it is reviewed again`, {
      status,
    });
  throw new Conflict(`workflow ${number} is ${status}: runs are of tested and active ones`, { status });
}

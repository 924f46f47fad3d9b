import fc from 'fast-check';
import { longest, possible, written } from '../../proofs/history/check';
import {
  after,
  initial,
  type Act,
  type Operation,
  type Outcome,
  type State,
  type Status,
} from '../../proofs/history/model';

const op = (
  call: number,
  returned: number,
  act: Act,
  outcome: Outcome = 'ok',
  status: Status | null = null,
): Operation => ({
  caller: 'somebody',
  act,
  call,
  returned: outcome === 'unknown' ? Infinity : returned,
  outcome,
  status,
});

const good: Record<string, Operation[]> = {
  'nothing at all': [],
  'approved, carried out, seen': [op(0, 1, 'approve'), op(2, 3, 'complete'), op(4, 5, 'read', 'ok', 'completed')],
  'two at once, one refused': [op(0, 9, 'approve'), op(0, 9, 'reject', 'refused', 'approved')],
  'a repeated approval': [op(0, 1, 'approve'), op(2, 3, 'approve', 'already')],
  'an old state seen by a read that began before': [op(0, 9, 'reject'), op(1, 8, 'read', 'ok', 'pending')],
  'a lost answer that had its effect': [op(0, 1, 'approve', 'unknown'), op(2, 3, 'read', 'ok', 'approved')],
  'a lost answer that had none': [op(0, 1, 'approve', 'unknown'), op(2, 3, 'reject')],
  'a lost answer whose effect came late': [
    op(0, 1, 'approve', 'unknown'), op(2, 3, 'read', 'ok', 'pending'), op(4, 5, 'read', 'ok', 'approved'),
  ], // prettier-ignore
  'expired while it was decided': [op(0, 9, 'approve', 'refused', 'expired'), op(5, 0, 'deadline', 'unknown')],
  'an approval that lapsed': [
    op(0, 1, 'approve'), { ...op(10, 0, 'lapse', 'unknown'), of: 0 }, op(20, 21, 'complete', 'refused', 'expired'),
  ], // prettier-ignore
  'withdrawn after it was approved': [
    op(0, 1, 'approve'), op(2, 0, 'withdraw', 'unknown'), op(3, 4, 'read', 'ok', 'expired'),
  ], // prettier-ignore
};

const bad: Record<string, Operation[]> = {
  'two decisions': [op(0, 9, 'approve'), op(0, 9, 'reject')],
  'two approvals that both took effect': [op(0, 9, 'approve'), op(0, 9, 'approve')],
  'a confirmed decision that is lost': [op(0, 1, 'approve'), op(2, 3, 'read', 'ok', 'pending')],
  'a confirmed decision that is lost under an expiry': [
    op(0, 1, 'approve'), op(0, 0, 'deadline', 'unknown'), op(2, 3, 'read', 'ok', 'expired'),
  ], // prettier-ignore
  'a stale read': [
    op(0, 1, 'approve'), op(2, 3, 'complete'), op(4, 5, 'read', 'ok', 'approved'),
  ], // prettier-ignore
  'a read that goes back': [
    op(0, 9, 'reject', 'unknown'), op(1, 2, 'read', 'ok', 'rejected'), op(3, 4, 'read', 'ok', 'pending'),
  ], // prettier-ignore
  'an approval that is reversed': [op(0, 1, 'approve'), op(2, 3, 'reject')],
  'a rejection that is reversed': [op(0, 1, 'reject'), op(2, 3, 'approve', 'already')],
  'carried out without an approval': [op(0, 1, 'complete')],
  'refused for a state that never was': [op(0, 1, 'approve', 'refused', 'rejected')],
  'refused though nothing spoke against it': [op(0, 1, 'approve', 'refused')],
  'an approval that lapses before its time': [
    op(0, 1, 'approve'), { ...op(10, 0, 'lapse', 'unknown'), of: 0 }, op(5, 6, 'read', 'ok', 'expired'),
  ], // prettier-ignore
  'an approval that lapses by the time of another': [
    op(5, 6, 'approve'), op(0, 1, 'approve', 'unknown'), { ...op(10, 0, 'lapse', 'unknown'), of: 1 },
    op(4, 4.5, 'read', 'ok', 'pending'), op(7, 8, 'read', 'ok', 'approved'), op(20, 21, 'read', 'ok', 'expired'),
  ], // prettier-ignore
  'an effect before its call': [op(5, 6, 'approve'), op(0, 1, 'read', 'ok', 'approved')],
  'denied, and carried out all the same': [op(0, 1, 'approve', 'denied'), op(2, 3, 'read', 'ok', 'approved')],
};

describe('the checker of histories', () => {
  // Fine once the lapse is that of the approval which took effect: judged by itself below.
  const { 'an approval that lapses by the time of another': byAnother, ...impossible } = bad;

  it.each(Object.entries(good))('accepts: %s', (_name, history) => expect(possible(history)).toBe(true));
  it.each(Object.entries(impossible))('rejects: %s', (_name, history) => expect(possible(history)).toBe(false));

  it('ties a lapse to the approval whose time is over', () => {
    expect(possible(byAnother ?? [])).toBe(false);
    expect(possible((byAnother ?? []).map((o) => (o.of === undefined ? o : { ...o, of: 0 })))).toBe(true);
  });

  const quorum = { parts: [{ need: 2, of: ['ann', 'bob', 'cat'] }, { need: 1, of: ['ann', 'dan'] }] }; // prettier-ignore
  const vote = (call: number, voter: string, act: Act = 'approve', outcome: Outcome = 'ok', more: Partial<Operation> = {}) =>
    ({ ...op(call, call + 1, act, outcome), voter, ...more }); // prettier-ignore
  const goodVotes: Record<string, Operation[]> = {
    'one who stands in both groups counts in both': [
      vote(0, 'ann', 'approve', 'ok', { decides: false }), vote(2, 'bob', 'approve', 'ok', { decides: true }),
      op(4, 5, 'read', 'ok', 'approved'),
    ],
    'rejected when a part cannot come about any more': [
      vote(0, 'bob', 'reject'), op(2, 3, 'read', 'ok', 'pending'), vote(4, 'cat', 'reject', 'ok', { decides: true }),
      vote(6, 'ann', 'approve', 'refused', { status: 'rejected' }),
    ],
    'the same again, and the opposite': [
      vote(0, 'ann'), vote(2, 'ann', 'approve', 'again'), vote(4, 'ann', 'reject', 'refused', { status: 'pending' }),
    ],
    'one who may not': [vote(0, 'eve', 'approve', 'denied'), op(2, 0, 'approve', 'unknown'), op(4, 5, 'read', 'ok', 'pending')],
    'a lost vote that was the one that decided': [vote(0, 'ann', 'approve', 'unknown'), vote(2, 'bob'), op(4, 5, 'read', 'ok', 'approved')],
    'anybody repeats an approval that stands': [vote(0, 'ann'), vote(2, 'bob'), vote(4, 'eve', 'approve', 'already')],
  }; // prettier-ignore
  const badVotes: Record<string, Operation[]> = {
    'too few': [vote(0, 'bob'), vote(2, 'cat'), op(4, 5, 'read', 'ok', 'approved')],
    'enough, and not decided': [vote(0, 'ann'), vote(2, 'bob'), op(4, 5, 'read', 'ok', 'pending')],
    'one person twice': [vote(0, 'ann'), vote(2, 'ann')],
    'a changed mind': [vote(0, 'ann'), vote(2, 'ann', 'reject')],
    'a vote of a stranger': [vote(0, 'eve')],
    'one who may, and is denied': [vote(0, 'ann', 'approve', 'denied')],
    'one who has not voted, and is told so': [vote(0, 'ann', 'approve', 'again')],
    'refused while it waits, without having voted': [vote(0, 'ann', 'approve', 'refused', { status: 'pending' })],
    'said to have decided, and has not': [vote(0, 'ann', 'approve', 'ok', { decides: true })],
    'decided by a Signal': [op(0, 0, 'approve', 'unknown'), op(2, 3, 'read', 'ok', 'approved')],
    'a vote after the end': [vote(0, 'bob', 'reject'), vote(2, 'cat', 'reject'), vote(4, 'ann')],
  }; // prettier-ignore
  it.each(Object.entries(goodVotes))('accepts votes: %s', (_name, history) =>
    expect(possible(history, quorum)).toBe(true),
  );
  it.each(Object.entries(badVotes))('rejects votes: %s', (_name, history) =>
    expect(possible(history, quorum)).toBe(false),
  );

  it('accepts whatever one gate really does, in any overlap, and rejects it with one answer turned around', () => {
    const acts = fc.array(fc.constantFrom<Act>('approve', 'reject', 'complete', 'read'), {
      minLength: 1,
      maxLength: 12,
    });
    const wide = fc.array(fc.double({ min: 0, max: 3, noNaN: true }), { minLength: 24, maxLength: 24 });
    fc.assert(
      fc.property(acts, wide, (plan, spread) => {
        const history = played(plan).map((o, i) => ({
          ...o, call: o.call - (spread[2 * i] ?? 0), returned: o.returned + (spread[2 * i + 1] ?? 0),
        })); // prettier-ignore
        expect(possible(history)).toBe(true);
        const sharp = played(plan);
        const turned = sharp.findIndex((o) => o.act !== 'read' && o.outcome === 'ok');
        if (turned < 0) return;
        const lied = sharp.map((o, i) => (i === turned ? { ...o, outcome: 'refused' as const } : o));
        expect(possible(lied)).toBe(false);
      }),
    );
  });

  it('says when a history is too long to search, and reads well', () => {
    const many = Array.from({ length: longest + 1 }, () => op(0, 1, 'read', 'ok', 'pending'));
    expect(() => possible(many)).toThrow(RangeError);
    expect(written([op(2, 0, 'withdraw', 'unknown'), op(0, 1, 'read', 'ok', 'pending')])).toBe(
      '0–1 somebody read: ok (pending); 2–… somebody withdraw: unknown',
    );
  });
});

/** One after the other, each answered as the model does. */
function played(acts: readonly Act[]): Operation[] {
  let state: State = initial;
  return acts.map((act, i) => {
    const at = i * 2;
    const tried =
      act === 'read'
        ? [op(at, at + 1, act, 'ok', state.status)]
        : (['ok', 'already', 'refused'] as const).map((o) => op(at, at + 1, act, o, null));
    for (const one of tried) {
      const next = after(state, one, i);
      if (!next) continue;
      state = next;
      return one;
    }
    throw new Error(`the model has no answer to ${act} when ${state.status}`);
  });
}

import fc from 'fast-check';
import { whoseTurn, type Waiting } from '../../domain/turns';

const waiting = (
  id: string,
  rank: number,
  number: number,
  profileId: string | null = null,
  agentId = 'one',
): Waiting => ({
  id,
  rank,
  number,
  profileId,
  agentId,
});
const limits = (total: number, profiles: Record<string, number> = {}, agents: Record<string, number> = {}) => ({
  total,
  profiles: new Map(Object.entries(profiles)),
  agents: new Map(Object.entries(agents)),
});

test('the most urgent first, then in the order in which they were spawned', () => {
  const queue = [waiting('late', 2, 4), waiting('early', 2, 3), waiting('urgent', 0, 5)];
  expect(whoseTurn(queue, new Map([[null, 1]]), limits(3))).toEqual(['urgent', 'early']);
  expect(whoseTurn(queue, new Map([[null, 3]]), limits(3))).toEqual([]);
  expect(whoseTurn(queue, new Map([[null, 9]]), limits(3))).toEqual([]);
});

test('one whose profile is full lets others pass', () => {
  const queue = [waiting('a', 0, 1, 'large'), waiting('b', 0, 2, 'large'), waiting('c', 3, 3)];
  expect(whoseTurn(queue, new Map(), limits(5, { large: 1 }))).toEqual(['a', 'c']);
  expect(whoseTurn(queue, new Map([['large', 1]]), limits(5, { large: 1 }))).toEqual(['c']);
});

test('an agent has no more than it has room for, and lets others pass', () => {
  const queue = [waiting('a', 0, 1), waiting('b', 1, 2), waiting('c', 2, 3, null, 'other'), waiting('d', 3, 4)];
  expect(whoseTurn(queue, new Map(), limits(9, {}, { one: 2 }))).toEqual(['a', 'b', 'c']);
  expect(whoseTurn(queue, new Map(), limits(9, {}, { one: 0 }))).toEqual(['c']);
  expect(whoseTurn(queue, new Map(), limits(9, {}, { other: 0 }))).toEqual(['a', 'b', 'd']);
});

test('never more than there is room for, nobody passed over who could begin, and whatever order they come in', () => {
  const profile = fc.constantFrom(null, 'large', 'small');
  const queues = fc.uniqueArray(
    fc.record({
      id: fc.uuid(),
      rank: fc.integer({ min: 0, max: 5 }),
      number: fc.integer(),
      profileId: profile,
      agentId: fc.constant('one'),
    }),
    { selector: (w) => w.number },
  );
  fc.assert(
    fc.property(queues, fc.nat(4), fc.nat(4), fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 4 }), (queue, none, large, total, most) => {
      const working = new Map<string | null, number>([[null, none], ['large', large]]);
      const begin = whoseTurn(queue, working, limits(total, { large: most }));
      expect(whoseTurn([...queue].reverse(), working, limits(total, { large: most }))).toEqual(begin);
      const room = Math.max(0, total - none - large);
      expect(begin.length).toBeLessThanOrEqual(room);
      const begun = queue.filter((w) => begin.includes(w.id));
      const atLarge = begun.filter((w) => w.profileId === 'large').length;
      expect(atLarge).toBeLessThanOrEqual(Math.max(0, most - large));
      for (const left of queue.filter((w) => !begin.includes(w.id))) {
        const full = begin.length === room || (left.profileId === 'large' && atLarge === Math.max(0, most - large));
        expect(full).toBe(true);
        for (const w of begun)
          if (w.profileId === left.profileId)
            expect(w.rank < left.rank || (w.rank === left.rank && w.number < left.number)).toBe(true);
      }
    }),
  ); // prettier-ignore
});

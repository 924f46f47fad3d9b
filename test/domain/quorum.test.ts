import { tally, type GateRule, type Vote } from '../../domain/quorum';
import { counted, parseQuorum } from '../../domain/quorum-parser';

const names = ['ann', 'bob', 'cat', 'dan'] as const;
const people = (...of: (typeof names)[number][]) => of.map((name) => ({ id: name, name }));
const groups = { sre: people('ann', 'bob', 'cat'), security: people('cat', 'dan'), leads: people('dan') };

function ruleOf(text: string, without: string[] = [], escalate: string | null = null): GateRule {
  const sizeOf = (name: string) => groups[name as keyof typeof groups].length;
  const way = (of: string) => ({ text: of, needs: counted(parseQuorum(of).needs, sizeOf) });
  return {
    ...way(text),
    people: groups,
    without,
    remind: null,
    escalate: escalate === null ? null : { ...way(escalate), afterMs: 1 },
  };
}
const votes = (said: Record<string, Vote['verdict']>): Vote[] =>
  Object.entries(said).map(([name, verdict]) => ({ by: { id: name, name }, verdict }));

describe('an expression', () => {
  test('is read as it is said', () => {
    expect(parseQuorum('2 of sre AND 1 of security and not requester')).toEqual({
      needs: {
        is: 'all',
        parts: [
          { is: 'count', n: 2, of: { name: 'sre', at: 6 } },
          { is: 'count', n: 1, of: { name: 'security', at: 19 } },
        ],
      },
      without: [{ name: 'requester', at: 36 }],
    });
    expect(parseQuorum('(dana@example.com or all of "Identity & Access") and any of x')).toEqual({
      needs: {
        is: 'all',
        parts: [
          {
            is: 'any',
            parts: [
              { is: 'count', n: 1, of: { name: 'dana@example.com', at: 2 } },
              { is: 'count', n: 'all', of: { name: 'Identity & Access', at: 29 } },
            ],
          },
          { is: 'count', n: 1, of: { name: 'x', at: 61 } },
        ],
      },
      without: [],
    });
  });

  test.each([
    ['', 1, 'found the end'],
    ['2 sre', 3, 'expected "of", found "sre"'],
    ['2 of', 5, 'the name of a group or person, found the end'],
    ['0 of sre', 1, 'a number from 1 to 99'],
    ['two of sre', 1, 'expected a number before "of", found "two"'],
    ['1 of sre and', 13, 'found the end'],
    ['1 of sre 1 of leads', 10, 'expected "and", "or" or the end, found "1"'],
    ['(1 of sre', 10, 'expected ")"'],
    ['1 of "sre', 6, 'has no end'],
    ['1 of ""', 6, 'must say something'],
    ['not requester', 1, 'somebody has to approve'],
    ['1 of sre or 1 of leads and not requester', 32, 'outside of "or"'],
    ['1 of sre and (1 of leads and not requester)', 34, 'outside of "or"'],
    ['1 of sre and not', 17, 'who is left out'],
    ['1 of and', 6, 'found "and"'],
    [`${'('.repeat(21)}1 of sre`, 21, 'at most 20 parentheses'],
    ['x'.repeat(1001), 1001, 'at most 1000 characters'],
  ])('%j is refused at %i: %s', (text, at, message) => {
    expect(() => parseQuorum(text)).toThrow(
      expect.objectContaining({
        message: expect.stringMatching(new RegExp(`^approval_policy\\.quorum: at character ${at}: `)) as string,
        details: { field: 'approval_policy.quorum', at },
      }) as Error,
    );
    expect(() => parseQuorum(text)).toThrow(message);
  });
});

describe('votes', () => {
  test('approve when they are enough, and say what is missing until then', () => {
    const rule = ruleOf('2 of sre and 1 of security');
    expect(tally(rule, [], false)).toEqual({
      outcome: 'pending',
      open: people('ann', 'bob', 'cat', 'dan'),
      missing: [
        { need: '2 of sre', have: 0, from: ['ann', 'bob', 'cat'] },
        { need: '1 of security', have: 0, from: ['cat', 'dan'] },
      ],
    });
    expect(tally(rule, votes({ ann: 'approve', bob: 'approve' }), false)).toMatchObject({
      outcome: 'pending',
      missing: [{ need: '1 of security', have: 0, from: ['cat', 'dan'] }],
    });
    // Who is in two groups counts in both.
    expect(tally(rule, votes({ ann: 'approve', cat: 'approve' }), false).outcome).toBe('approved');
  });

  test('reject when nobody could still bring it about, and not before', () => {
    const rule = ruleOf('2 of sre');
    expect(tally(rule, votes({ ann: 'reject' }), false).outcome).toBe('pending');
    expect(tally(rule, votes({ ann: 'reject', bob: 'reject' }), false).outcome).toBe('rejected');
    expect(tally(ruleOf('2 of sre', ['cat']), votes({ ann: 'reject' }), false).outcome).toBe('rejected');
    expect(tally(ruleOf('1 of leads or 3 of sre'), votes({ ann: 'reject' }), false).outcome).toBe('pending');
  });

  test('of those who are left out count nowhere', () => {
    const rule = ruleOf('1 of security', ['cat']);
    expect(tally(rule, votes({ cat: 'approve' }), false)).toMatchObject({ outcome: 'pending', open: people('dan') });
  });

  test('count for the escalation when it has come; until then it is hoped for', () => {
    const rule = ruleOf('all of sre', [], '1 of leads');
    const refused = votes({ ann: 'reject' });
    expect(tally(rule, refused, false)).toMatchObject({ outcome: 'pending', open: people('bob', 'cat') });
    expect(tally(rule, refused, true)).toMatchObject({ outcome: 'pending', open: people('bob', 'cat', 'dan') });
    expect(tally(rule, votes({ ann: 'reject', dan: 'approve' }), true).outcome).toBe('approved');
    expect(tally(rule, votes({ ann: 'reject', dan: 'reject' }), true).outcome).toBe('rejected');
  });

  test('no order of them makes a decision that another takes back, and more approval never makes less', () => {
    const rule = ruleOf('2 of sre and 1 of security or 1 of leads', ['bob']);
    const verdicts = [undefined, 'approve', 'reject'] as const;
    for (let n = 0; n < 3 ** names.length; n += 1) {
      const said = Object.fromEntries(
        names.flatMap((name, i) => {
          const verdict = verdicts[Math.floor(n / 3 ** i) % 3];
          return verdict ? [[name, verdict] as const] : [];
        }),
      );
      const { outcome, open } = tally(rule, votes(said), false);
      for (const { id } of open)
        for (const verdict of ['approve', 'reject'] as const) {
          const more = tally(rule, votes({ ...said, [id]: verdict }), false).outcome;
          if (outcome !== 'pending') expect(more).toBe(outcome);
          else expect(more).not.toBe(verdict === 'approve' ? 'rejected' : 'approved');
        }
      if (!open.length) expect(outcome).not.toBe('pending');
    }
  });
});

import { opinionOf } from '../../pipeline/rego/forms';

const said = (result: unknown) => opinionOf('p', ['t/deny'], { results: [[{ result }]] });

test('what a policy says is cut to what the log takes: codes are words, and Postgres stores neither zeros nor half a letter', () => {
  const long = said([`${'x'.repeat(198)}😀 and on`, 'a\u0000b', '\ud800c']);
  expect(long.decision).toBe('deny');
  const [first, second, third] = long.reasons;
  expect([first?.code.length, first?.code.slice(-2)]).toEqual([199, 'x…']);
  expect(first?.message).toBe(`${'x'.repeat(198)}😀 and on`);
  expect([second?.code, second?.message, third?.code]).toEqual(['a\ufffdb', 'a\ufffdb', '\ufffdc']);
  expect(said(Array.from({ length: 900 }, (_, i) => `r${i}`)).reasons).toHaveLength(100);
  const [unusable] = said([`${'x'.repeat(2_001)}`]).reasons;
  expect(unusable?.code).toBe('policy_unavailable');
});

import fc from 'fast-check';
import { hiding } from '../../pipeline/hiding';

// A secret in what a tool says is found however it is written there.

const ref = '<vault:one>';
const secret = fc.string({ unit: 'grapheme', minLength: 8, maxLength: 60 });
const around = fc.string({ maxLength: 9 });

test.each([
  ['as it is', (text: string) => text],
  ['in base64', (text: string) => Buffer.from(text).toString('base64')],
  ['in base64 for URLs', (text: string) => Buffer.from(text).toString('base64url')],
  ['in hex', (text: string) => Buffer.from(text).toString('hex')],
  ['in a URL', (text: string) => encodeURIComponent(text)],
  ['in JSON', (text: string) => JSON.stringify({ text })],
])('%s, whatever stands around it', (_how, written) => {
  fc.assert(
    fc.property(around, secret, around, (before, one, after) => {
      const seen: string[] = [];
      const out = hiding(new Map([[ref, one]]), (r) => seen.push(r))(written(before + one + after));
      expect(out).toContain(ref);
      expect(seen.length).toBeGreaterThan(0);
    }),
    { numRuns: 300 },
  );
});

test('fields of a secret that is JSON are hidden by themselves, and what is too short to be told from other text is not', () => {
  const hide = hiding(new Map([[ref, JSON.stringify({ user: 'ann', password: 'a-long-password', more: { token: 'a-token' } })]])); // prettier-ignore
  expect(hide('ann has a-long-password and a-token')).toBe(`ann has ${ref} and ${ref}`);
});

test('two secrets of which one holds the other are told apart', () => {
  const hide = hiding(new Map([['<vault:short>', 'password'], ['<vault:long>', 'password-of-all']])); // prettier-ignore
  expect(hide('password-of-all, password')).toBe('<vault:long>, <vault:short>');
});

import fc from 'fast-check';
import { filterOutput } from '../../pipeline/output-filter';
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

const some = (n: number, of = 'aB3dE5gH7jK9mN1p') => of.repeat(Math.ceil(n / of.length)).slice(0, n);
const pem = `-----BEGIN OPENSSH PRIVATE KEY-----\n${some(64)}\n${some(30)}==\n`;

describe('credentials in what tools and agents say', () => {
  test.each([
    ['a model key', 'private', `sk-${some(48)}`],
    ['a model key of another house', 'private', `sk-ant-api03-${some(93)}`],
    ['a fine-grained token', 'private', `github_pat_${some(22)}_${some(59)}`],
    ['a token of GitHub', 'private', `ghp_${some(36)}`],
    ['a key of Google', 'private', `AIza${some(35)}`],
    ['tokens of Slack', 'private', `xoxb-123456789012-${some(24)}`, `xapp-1-A0-${some(24)}`],
    ['tokens of packages', 'private', `npm_${some(36)}`, `pypi-AgEIcHlwaS5vcmc${some(60)}`],
    ['tokens of GitLab', 'private', `glpat-${some(20)}`, `gldt-${some(20)}`],
    ['a JWT', 'private', `eyJ${some(20)}.eyJ${some(40)}.${some(43)}`],
    ['the password of an address', 'postgres://app:', 'hunter2-9', 'p@ss-word9'],
    ['a key as a block', 'private', `${pem}-----END OPENSSH PRIVATE KEY-----`],
    ['a key that was cut off', 'private', pem],
    ['a login', 'authorization: basic ', Buffer.from('ann:hunter2').toString('base64')],
  ])('%s', (_what, before, ...secrets) => {
    for (const one of secrets) {
      const sentence = before === 'private' ? `it is ${one}, keep it` : `${before}${one}@db.example/x`;
      const { value, found } = filterOutput({ lines: [sentence] });
      expect(JSON.stringify(value)).not.toContain(one.slice(-8));
      expect(found).toHaveLength(1);
    }
  });

  test.each([
    ['password: hunter2', 'hunter2'],
    ['Password: swordfish\nnext line', 'swordfish'],
    ['DB_PASSWORD=swordfish', 'swordfish'],
    ['  client_secret: "correct-horse"', 'correct-horse'],
    ['{"api_key": "swordfish"}', 'swordfish'],
    ['{\\"password\\": \\"swordfish\\"}', 'swordfish'],
    ['aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', 'wJalr'],
  ])('a value that its name gives away: %s', (text, secret) => {
    expect(String(filterOutput(text).value)).not.toContain(secret);
  });
  test('a value under a key that gives it away; JSON in a text stays JSON', () => {
    expect(filterOutput({ user: 'ann', db_password: 'swordfish', token_count: 'some' })).toEqual({
      value: { user: 'ann', db_password: '[password removed]', token_count: 'some' },
      found: ['password'],
    });
    expect(JSON.parse(String(filterOutput('{"password": "swordfish"}').value))).toEqual({
      password: '[password removed]',
    });
  });

  test.each([
    'Failed password for root from 183.62.140.253 port 5522 ssh2',
    'password: see the vault',
    'the password: it was changed yesterday',
    'password: <vault:agent_1_db>',
    'password=***',
    'postgres://app:${DB_PASSWORD}@db.example/x',
    'https://ops.example:25443/a@b',
    'pip install sk-learn-contrib-lightning-extra',
    'a bearer of bad news, an eyJury, max_tokens: 4096, secret_id: 7',
    'the keyboard-interactive/pam method: publickey SHA256:0123456789abcdef',
  ])('is none: %s', (text) => {
    expect(filterOutput(text)).toEqual({ value: text, found: [] });
  });

  test('takes time in proportion to a text', () => {
    const began = performance.now();
    for (const piece of ['-----BEGIN PRIVATE KEY-----', 'password', 'a_', 'sk-', 'x://:', 'eyJeyJ.', 'secret: '])
      filterOutput(piece.repeat(200_000 / piece.length));
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});

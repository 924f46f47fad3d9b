import { execFile } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../../config';
import { canonical } from '../../log/canonical';
import { fingerprintOf } from '../../log/keys';

const folder = mkdtempSync(join(tmpdir(), 'wheelhouse-receipts-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

const keyPair = () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const pem = publicKey.export({ type: 'spki', format: 'pem' }) as string;
  const receiptOf = (execution_id: string, fields: object = {}) => {
    const receipt = {
      version: 1,
      execution_id,
      tool: 'logs.search',
      decision: 'allow',
      timestamp: '2026-01-02T03:04:05.000001+00:00',
      ...fields,
    };
    return {
      receipt,
      signature: sign(null, Buffer.from(canonical(receipt)), privateKey).toString('base64url'),
      algorithm: 'ed25519',
      public_key_fingerprint: fingerprintOf(pem),
    };
  };
  const signText = (text: string) => ({
    signature: sign(null, Buffer.from(text), privateKey).toString('base64url'),
    fingerprint: fingerprintOf(pem),
  });
  return { pem, receiptOf, sign: signText };
};
const ours = keyPair();
const theirs = keyPair();
const pem = file('key.pem', ours.pem);

/** The program as it is installed; test/global-setup.ts has compiled it. */
const verify = (...args: string[]): Promise<{ code: number; out: string; err: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [join(root, 'dist/cli/main.js'), 'verify', ...args], { env: {} }, (error, out, err) =>
      resolve({ code: error ? Number(error.code) : 0, out, err }),
    );
  });

test('one receipt, an array, one a line, with or without the envelope', async () => {
  const one = file('one.json', JSON.stringify(ours.receiptOf('e1')));
  const wrapped = file(
    'wrapped.json',
    JSON.stringify({ success: true, data: ours.receiptOf('e2'), error: null, meta: null }),
  );
  const many = file('many.json', JSON.stringify([ours.receiptOf('e3'), { success: true, data: ours.receiptOf('e4') }]));
  const lines = file(
    'lines.ndjson',
    `${JSON.stringify(ours.receiptOf('e5'))}\n\n${JSON.stringify({ success: true, data: ours.receiptOf('e6') })}\n`,
  );
  const { code, out, err } = await verify(one, wrapped, many, lines, '--key', pem);
  expect([code, err]).toEqual([0, '']);
  expect(out.trim().split('\n')).toHaveLength(7);
  for (const id of ['e1', 'e2', 'e3', 'e4', 'e5', 'e6'])
    expect(out).toContain(`ok    ${id}  2026-01-02T03:04:05.000001+00:00  logs.search: allow`);
  expect(out).toContain(`6 good, 0 bad, by ${fingerprintOf(ours.pem)}`);
});

test('what was changed, or signed by somebody else, is bad, and the exit code says so', async () => {
  const changed = { ...ours.receiptOf('changed'), receipt: { ...ours.receiptOf('changed').receipt, decision: 'deny' } };
  const renamed = { ...theirs.receiptOf('renamed'), public_key_fingerprint: fingerprintOf(ours.pem) };
  const path = file(
    'bad.json',
    JSON.stringify([changed, renamed, theirs.receiptOf('theirs'), { receipt: 'no' }, ours.receiptOf('good')]),
  );
  const { code, out } = await verify(path, '--key', pem);
  expect(code).toBe(1);
  expect(out).toContain('BAD   signature_mismatch  changed');
  expect(out).toContain('BAD   signature_mismatch  renamed');
  expect(out).toContain('BAD   unknown_key_fingerprint  theirs');
  expect(out).toContain('BAD   malformed_payload');
  expect(out).toContain('1 good, 4 bad');
});

test('the key may be the answer of the server, and several may be given', async () => {
  const answer = file(
    'key.json',
    JSON.stringify({ success: true, data: { algorithm: 'ed25519', public_key_pem: ours.pem } }),
  );
  const windows = file('theirs.pem', theirs.pem.replace(/\n/g, '\r\n'));
  const path = file('both.json', JSON.stringify([ours.receiptOf('a'), theirs.receiptOf('b')]));
  expect(await verify(path, '--key', answer, '--key', windows)).toMatchObject({ code: 0 });
});

test('a pinned fingerprint refuses another key', async () => {
  const path = file('pin.json', JSON.stringify(theirs.receiptOf('a')));
  const other = file('other.pem', theirs.pem);
  const { code, err } = await verify(path, '--key', other, '--fingerprint', fingerprintOf(ours.pem));
  expect([code, err]).toEqual([1, expect.stringContaining(`not ${fingerprintOf(ours.pem)}`)]);
});

const tenantId = '01a21c27-8d4e-76c2-a4fc-dfd2e0804d5d';
/** An answer of GET /audit/logs/verify. */
const headOf = (by: typeof ours, seq: number, hash: string, of = tenantId) => {
  const { signature, fingerprint } = by.sign(canonical({ version: 1, type: 'log_head', tenant_id: of, seq, hash }));
  return { success: true, data: { valid: true, head: `${seq}.${hash}.${fingerprint}.${signature}`, tenant_id: of } };
};

test('heads of the log: ours are good, and two that say different things of one place are not', async () => {
  const [a, b] = ['a'.repeat(64), 'b'.repeat(64)];
  const kept = file('head1.json', JSON.stringify(headOf(ours, 7, a)));
  const later = file('head2.ndjson', [headOf(ours, 7, a), headOf(ours, 9, b)].map((h) => JSON.stringify(h)).join('\n'));
  const good = await verify('--head', kept, '--head', later, '--key', pem);
  expect([good.code, good.out]).toEqual([0, expect.stringContaining('3 good, 0 bad')]);
  expect(good.out).toContain(`ok    head of ${tenantId} at 7: ${a}`);
  const elsewhere = headOf(ours, 7, a).data;
  for (const [answer, error] of [
    [headOf(ours, 7, b), 'rewritten'],
    [headOf(theirs, 8, b), 'head_unknown'],
    [{ ...elsewhere, tenant_id: '01a21c27-8d4e-76c2-a4fc-dfd2e0804d5e' }, 'head_unknown'],
    [{ valid: false, head: null, tenant_id: tenantId }, 'malformed_payload'],
  ] as const) {
    const bad = await verify('--head', kept, '--head', file('bad-head.json', JSON.stringify(answer)), '--key', pem);
    expect([bad.code, bad.out]).toEqual([1, expect.stringContaining(`BAD   ${error}`)]);
  }
});

test('what cannot be used is named', async () => {
  const path = file('fine.json', JSON.stringify(ours.receiptOf('a')));
  const broken = file('broken.json', '{"receipt":\n');
  for (const [args, said] of [
    [[path], '--key'],
    [[path, '--key', path], 'not a public key'],
    [[join(folder, 'nothing.json'), '--key', pem], 'nothing.json: cannot be read'],
    [[broken, '--key', pem], 'broken.json:1: not JSON'],
    [['--key', pem], 'files'],
  ] as const) {
    const { code, err } = await verify(...args);
    expect([args, code, err]).toEqual([args, 1, expect.stringContaining(said)]);
  }
});

test('text from an archive does not steer the terminal', async () => {
  const path = file('escape.json', JSON.stringify(ours.receiptOf('\u001b[2Jgone')));
  expect((await verify(path, '--key', pem)).out).not.toContain('\u001b');
});

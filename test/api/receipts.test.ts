import { createHash, createPublicKey, verify } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonical } from '../../log/canonical';
import { verify as verifyFiles } from '../../log/verify-cli';
import { startServer, until, type Server } from '../harness';
import { assign, ticketWithLog } from './working';

let server: Server;
let row: { id: string; request_id: string; metadata_json: unknown; tool: string };
beforeAll(async () => {
  server = await startServer();
  await assign(server, await ticketWithLog(server));
  row = await until(
    async () => (await server.call('GET', '/audit/logs?action=execute_tool')).body.data.items[0],
    'an execution',
  );
});
afterAll(() => server.close());

const receipt = async (id: string) => (await server.call('GET', `/receipts/${encodeURIComponent(id)}`)).body.data;
const check = async (body: unknown) => (await server.call('POST', '/receipts/verify', body)).body.data;

test('the key is public, and names itself', async () => {
  const { status, body } = await server.as('')('GET', '/receipts/key');
  const { data } = body;
  const digest = createHash('sha256').update(data.public_key_pem).digest('hex');
  expect([status, data]).toEqual([
    200,
    {
      algorithm: 'ed25519', public_key_pem: expect.stringMatching(/^-----BEGIN PUBLIC KEY-----\n[^]*\n-----END PUBLIC KEY-----\n$/),
      fingerprint: digest.slice(0, 32), public_key_fingerprint: digest.slice(0, 32), public_key_sha256: digest, created_at: expect.any(String),
    },
  ]); // prettier-ignore
  expect((await server.as('')('GET', '/v1/receipts/key')).body.data).toEqual(data);
});

test('a receipt is four fields, by audit id or request id, and its signature holds without us', async () => {
  const data = await receipt(row.id);
  expect(Object.keys(data)).toEqual(['receipt', 'signature', 'algorithm', 'public_key_fingerprint']);
  expect(await receipt(row.request_id)).toEqual(data);
  expect((await server.call('GET', `/v1/receipts/${row.id}`)).body.data).toEqual(data);
  expect(data.receipt).toMatchObject({
    version: 1, execution_id: row.id, tenant_id: server.tenantId, action: 'execute_tool', tool: row.tool, hash_version: 1,
    metadata_sha256: createHash('sha256').update(canonical(row.metadata_json)).digest('hex'),
  }); // prettier-ignore
  const { public_key_pem: pem } = (await server.call('GET', '/receipts/key')).body.data;
  const signed = Buffer.from(canonical(data.receipt));
  expect(verify(null, signed, createPublicKey(pem), Buffer.from(data.signature, 'base64url'))).toBe(true);
});

test('an unknown id, one of the wrong form and one of another tenant are not found; an entry without receipt neither', async () => {
  const other = await server.tenant();
  const { id: plain } = (await server.call('GET', '/audit/logs?action=ticket_created')).body.data.items[0];
  for (const id of ['01890000-0000-7000-8000-0000000000ff', 'no%20such%20id', '%00', plain]) {
    expect((await server.call('GET', `/receipts/${id}`)).status).toBe(404);
  }
  expect((await server.as(other.token)('GET', `/receipts/${row.id}`)).status).toBe(404);
});

test('verify: right, tampered, unknown key, malformed, and of another tenant', async () => {
  const data = await receipt(row.id);
  const right = { valid: true, algorithm: 'ed25519', expected_fingerprint: data.public_key_fingerprint, errors: [] };
  expect(await check(data)).toEqual(right);
  expect(await check({ receipt: data.receipt, signature: data.signature })).toEqual(right);
  const { public_key_sha256: whole } = (await server.call('GET', '/receipts/key')).body.data;
  expect(await check({ ...data, public_key_fingerprint: whole })).toEqual(right);

  const wrong = (error: string) => ({ ...right, valid: false, errors: [error] });
  expect(await check({ ...data, receipt: { ...data.receipt, decision: 'deny' } })).toEqual(wrong('signature_mismatch'));
  expect(await check({ ...data, signature: 'A'.repeat(86) })).toEqual(wrong('signature_mismatch'));
  for (const name of ['0'.repeat(32), whole.slice(0, 32) + '0'.repeat(32)]) {
    expect(await check({ ...data, public_key_fingerprint: name })).toEqual(wrong('unknown_key_fingerprint'));
  }
  // A key of ours, but not one that signs receipts.
  const { rows } = await server.owner.query<{ fingerprint: string }>(
    `select fingerprint from signing_keys where purpose = 'token'`,
  );
  expect(await check({ ...data, public_key_fingerprint: rows[0]?.fingerprint })).toEqual(
    wrong('unknown_key_fingerprint'),
  );
  for (const malformed of [
    {}, { ...data, receipt: 'text' }, { ...data, receipt: { ...data.receipt, risk: 0.5 } }, { ...data, signature: 7 }, { ...data, algorithm: 'none' },
  ]) {
    expect(await check(malformed)).toEqual(wrong('malformed_payload'));
  } // prettier-ignore

  const other = await server.tenant();
  const foreign = await server.as(other.token)('POST', '/receipts/verify', data);
  expect([foreign.status, foreign.body.error]).toEqual([403, 'cross_tenant_receipt']);
});

test('what the API answers can be checked offline, as it came', async () => {
  const file = join(server.config.dataDir, 'receipt.json');
  const key = join(server.config.dataDir, 'key.json');
  writeFileSync(file, (await server.call('GET', `/receipts/${row.id}`)).text);
  writeFileSync(key, (await server.call('GET', '/receipts/key')).text);
  const said: string[] = [];
  const out = jest.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean(said.push(String(text))));
  try {
    await verifyFiles([file], { key: [key] });
  } finally {
    out.mockRestore();
  }
  expect(said.join('')).toContain('1 good, 0 bad');
  expect(process.exitCode).toBeUndefined();
});

test('the whole log of a run at work verifies', async () => {
  const { data } = (await server.call('GET', '/audit/logs/verify')).body;
  expect(data).toMatchObject({ valid: true, error_count: 0, violations: [] });
  expect(data.rows_checked).toBeGreaterThan(3);
});

import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { startApi } from '../../api/main';
import { archive } from '../../cli/archive';
import { canonical } from '../../log/canonical';
import { noteKey, readCheckpoint, readVerifierKey, signedBy, verifierKey } from '../../log/notes';
import { createLogger } from '../../log/logger';
import { newKey } from '../../log/keys';
import { openKernel } from '../../log/open';
import { computeToday, growTrees, sealDays, type RootKit } from '../../log/roots';
import { system } from '../../domain/principal';
import { verify as verifyFiles, type VerifyOptions } from '../../log/verify-cli';
import { caller, startServer, type Server } from '../harness';

const witness = generateKeyPairSync('ed25519');
const witnessKey = noteKey('witness.example/w1', 'witness', witness.publicKey);

let s: Server;
let kernel: Awaited<ReturnType<typeof openKernel>>;
const kit = () => ({ ...kernel, origin: s.config.transparency.origin });
beforeAll(async () => {
  s = await startServer({ TRANSPARENCY_WITNESSES: verifierKey(witnessKey) }, { worker: false });
  kernel = await openKernel(s.config, createLogger('silent', 'test'));
});
afterAll(async () => {
  await kernel.pool.end();
  await s.close();
});

const get = async (path: string) => (await s.call('GET', path)).body.data;
const post = (path: string, body: unknown = {}) => s.call('POST', path, body);
const day = (ago: number): string => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);
const calls = (n: number): Promise<string[]> =>
  kernel.store.write(s.tenantId, (tx) =>
    Promise.resolve(
      Array.from({ length: n }, (_, i) =>
        tx.log({
          kind: 'execution.succeeded', actor: system, subject: { kind: 'execution', id: String(i) }, tool: 'größe.prüfen', receipt: true, body: { i },
        }),
      ),
    ),
  ); // prettier-ignore
/** As if all that is in the log by now had come so many days ago. */
const age = async (days: number): Promise<void> => {
  await s.owner.query(`set session_replication_role = replica`);
  await s.owner.query(`update log set at = at - make_interval(days => $1)`, [days]);
  await s.owner.query(`set session_replication_role = origin`);
};
const quietly = async (work: () => Promise<void>): Promise<string> => {
  const said: string[] = [];
  const out = jest.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean(said.push(String(text))));
  try {
    await work();
  } finally {
    out.mockRestore();
  }
  return said.join('');
};
/** What `wheelhouse verify` says, and its exit code. */
const checked = async (path: string, options: Partial<VerifyOptions> = {}): Promise<[code: number, said: string]> => {
  const said = await quietly(() => verifyFiles([path], { key: [], ...options }));
  const code = Number(process.exitCode ?? 0);
  process.exitCode = undefined;
  return [code, said];
};
const sha = (...parts: (string | Buffer)[]): Buffer => {
  const h = createHash('sha256');
  for (const p of parts) h.update(p);
  return h.digest();
};
const hex = (h: string): Buffer => Buffer.from(h, 'hex');
/** As the published clients do it. */
const climbed = (leaf: string, siblings: { side: string; hash: string }[]): string =>
  siblings
    .reduce((h, { side, hash }) => (side === 'L' ? sha(hex(hash), h) : sha(h, hex(hash))), hex(leaf))
    .toString('hex');

test('before anything: no roots and why, nothing to compute, no checkpoint', async () => {
  const { body } = await s.call('GET', '/transparency/roots');
  expect(body).toEqual({ success: true, data: [], error: null, meta: { reason: expect.stringContaining('compute') } });
  expect((await s.call('GET', '/transparency/checkpoint')).status).toBe(404);
  expect((await s.call('GET', `/transparency/roots/${day(0)}`)).body).toMatchObject({
    error: 'no root persisted for that date',
  });
  const other = await s.tenant();
  expect((await s.as(other.token)('POST', '/transparency/compute', {})).status).toBe(409);
});

let ids: string[];
test('today: a receipt is pending until a root covers it, then its proof holds in both recipes without us', async () => {
  ids = await calls(300);
  expect(await get(`/transparency/inclusion/${ids[0]}`)).toEqual({
    root_date: day(0), proof: null, pending: true, signed_root: null, rfc6962: null,
  }); // prettier-ignore
  const { status, body } = await post('/transparency/compute', { date: day(0) });
  expect([status, body.data]).toEqual([
    200,
    expect.objectContaining({
      root_date: day(0), leaf_count: 300, prev_root_hash: null, leaf_range_start_id: ids[0], leaf_range_end_id: ids[299],
    }),
  ]); // prettier-ignore
  const { signed } = body.data;
  const { public_key_pem: pem } = (await s.as('')('GET', '/transparency/key')).body.data;
  const signature = Buffer.from(signed.signature, 'base64url');
  expect(verify(null, Buffer.from(canonical(signed.receipt)), createPublicKey(pem), signature)).toBe(true);
  for (const i of [0, 1, 127, 255, 256, 298, 299]) {
    const data = await get(`/v1/transparency/inclusion/${ids[i]}`);
    const receipt = canonical(await get(`/receipts/${ids[i]}`));
    expect(data).toMatchObject({ pending: false, signed_root: signed, proof: { version: 1, index: i, size: 300 } });
    expect(data.proof.leaf).toBe(sha(receipt).toString('hex'));
    expect(climbed(data.proof.leaf, data.proof.siblings)).toBe(signed.receipt.root_hash);
    expect(data.rfc6962).toMatchObject({ index: i, size: 300, leaf_hash: sha(Buffer.of(0), receipt).toString('hex') });
  }
  // Computed again: the same while nothing came, and further on when something did.
  expect((await post('/transparency/compute')).body.data).toEqual(body.data);
  const [late] = await calls(1);
  expect(await get(`/transparency/inclusion/${late}`)).toMatchObject({ pending: true, proof: null });
  await growTrees(kit(), s.tenantId);
  expect(await get(`/transparency/inclusion/${late}`)).toMatchObject({ pending: true, proof: null });
  expect((await get(`/transparency/inclusion/${ids[299]}`)).proof).toMatchObject({ size: 300 });
  expect((await post('/transparency/compute')).body.data.leaf_count).toBe(301);
  expect(await get(`/transparency/inclusion/${late}`)).toMatchObject({
    pending: false,
    proof: { index: 300, size: 301 },
  });
});

/** The store, whose every transaction has its statements seen, and their answers changed if need be. */
const seenBy = (meet: () => (text: string, go: () => Promise<any>) => Promise<any>): Pick<RootKit, 'store'> => ({
  store: {
    write: (tenantId, work) =>
      kernel.store.write(tenantId, (tx) => {
        const met = meet();
        const query = (text: string, ...values: never[]) => met(text, () => tx.query(text, ...values));
        return work(Object.create(tx, { query: { value: query } }) as typeof tx);
      }),
  },
});

test('what is written while the trees grow is taken once', async () => {
  let written: Promise<string[]> | null = null;
  const meanwhile = seenBy(() => async (text, go) => {
    if (text.includes('join receipts')) await (written ??= calls(3));
    return go();
  });
  await calls(2);
  await growTrees(meanwhile, s.tenantId);
  await growTrees(kit(), s.tenantId);
  expect(written).not.toBeNull();
  const { rows } = await s.owner.query(
    `select (select sum(leaf_count)::int from transparency_days where tenant_id = $1) as leaves,
       (select count(*)::int from receipts where tenant_id = $1) as receipts`,
    [s.tenantId],
  );
  expect(rows[0].leaves).toBe(rows[0].receipts);
});

test('a root of today is of one day, though it turn midnight meanwhile', async () => {
  const midnight = seenBy(() => {
    let asked = 0;
    return async (text, go) =>
      text.includes('clock_timestamp()') && (asked += 1) > 1 ? { rows: [{ day: day(-1) }] } : go();
  });
  expect((await computeToday({ ...kit(), ...midnight }, s.tenantId, system))?.day).toBe(day(0));
});

test('days that are over are sealed in order, quiet ones too, and hang together', async () => {
  // The trees of today are gone with the day: as in a log whose days passed without a worker.
  await s.owner.query('set session_replication_role = replica');
  await s.owner.query(
    `delete from transparency_roots; delete from transparency_tiles; delete from transparency_days; delete from cursors`,
  );
  await age(3);
  await calls(2);
  await sealDays(kit(), s.tenantId);
  const roots = await get('/transparency/roots');
  expect(roots.map((r: { root_date: string; leaf_count: number }) => [r.root_date, r.leaf_count])).toEqual([
    [day(1), 0], [day(2), 0], [day(3), 306],
  ]); // prettier-ignore
  const [quiet, , first] = roots;
  expect(quiet.root_hash).toBe(sha(`${quiet.prev_root_hash}\ntransparency_empty_epoch_v1\n`).toString('hex'));
  expect(quiet.signed.receipt).toMatchObject({
    leaf_range_start_id: null, rfc6962_root: sha('').toString('hex'), window_end: `${day(0)}T00:00:00.000000+00:00`,
  }); // prettier-ignore
  expect(await get(`/v1/transparency/roots/${day(3)}`)).toEqual(first);
  expect(
    (await get(`/transparency/roots?since=${day(2)}&limit=1`)).map((r: { root_date: string }) => r.root_date),
  ).toEqual([day(1)]);
  const { data: chain } = (await s.call('GET', `/transparency/consistency?from_date=${day(3)}&to_date=${day(0)}`)).body;
  expect(chain).toMatchObject({ count: 3, consistent: true, rfc9162: { first: { size: 1 }, second: { size: 3 } } });
  expect(chain.chain[0]).not.toHaveProperty('break');
  expect((await s.call('GET', `/transparency/consistency?from_date=${day(0)}&to_date=${day(3)}`)).status).toBe(400);
  const long = await s.call('GET', `/transparency/consistency?from_date=${day(367)}&to_date=${day(0)}`);
  expect([long.status, long.body.error]).toEqual([400, expect.stringMatching(/^from_date: at most 366 days/)]);
  expect((await s.call('GET', `/transparency/consistency?from_date=${day(365)}&to_date=${day(0)}`)).status).toBe(200);
  const again = await post(`/transparency/compute?root_date=${day(2)}`);
  expect([again.status, again.body.error]).toEqual([409, expect.stringContaining('sealed')]);
  expect((await post('/transparency/compute', { root_date: day(1) })).body.data.root_hash).toBe(quiet.root_hash);
  for (const wrong of [day(-1), day(9)])
    expect([wrong, (await post('/transparency/compute', { date: wrong })).status]).toEqual([wrong, 422]);
  // What is sealed stands, whoever may write.
  for (const sql of [
    'update transparency_roots set leaf_count = 7',
    'delete from transparency_roots',
    `update transparency_tiles set v1 = 'x'`,
  ])
    await expect(s.owner.query(sql)).rejects.toThrow();
});

test('the checkpoint is a signed note that others can put their name under', async () => {
  const note = (await s.call('GET', '/transparency/checkpoint')).text;
  const { checkpoint_key: key } = await get('/transparency/keys');
  const read = readCheckpoint(note);
  expect(read).toMatchObject({ size: 3, origin: `wheelhouse/${s.tenantId}` });
  const [line] = read?.signatures ?? [];
  expect(line && signedBy(read?.text ?? '', readVerifierKey(key), line)).toEqual({ at: null });
  expect(read?.root.toString('hex')).toBe((await get('/transparency/consistency')).rfc9162.second.root);

  const cosigned = (text: string, at: number): string => {
    const time = Buffer.alloc(8);
    time.writeBigUInt64BE(BigInt(at));
    const signature = sign(null, Buffer.from(`cosignature/v1\ntime ${at}\n${text}`), witness.privateKey);
    return `— witness.example/w1 ${Buffer.concat([witnessKey.id, time, signature]).toString('base64')}`;
  };
  const now = Math.floor(Date.now() / 1000);
  const cosignature = cosigned(read?.text ?? '', now);
  const answer = await post('/transparency/cosignatures', { size: 3, cosignature });
  expect([answer.status, answer.body.data]).toEqual([
    200,
    {
      size: 3,
      witness: 'witness.example/w1',
      time: new Date(now * 1000).toISOString(),
      note: `${note}${cosignature}\n`,
    },
  ]);
  expect((await post('/transparency/cosignatures', { size: 3, cosignature })).body.data.note).toBe(
    `${note}${cosignature}\n`,
  );
  expect((await s.call('GET', '/transparency/checkpoint')).text).toBe(`${note}${cosignature}\n`);
  for (const [body, status] of [
    [{ size: 2, cosignature }, 422],
    [{ size: 9, cosignature }, 404],
    [{ size: 3, cosignature: cosigned(read?.text ?? '', now + 4000) }, 422],
    [{ size: 3, cosignature: cosignature.replace('w1', 'w2') }, 422],
    [{ size: 3, cosignature: 'no line' }, 422],
  ] as const)
    expect([body, (await post('/transparency/cosignatures', body)).status]).toEqual([body, status]);
});

describe('an archive', () => {
  let folder: string;
  let copy: string;
  let calls3: string[];
  const bundle = (of: string) => join(of, 'bundle.aevf.json');
  beforeAll(async () => {
    calls3 = await calls(3);
    await post('/transparency/compute');
    folder = mkdtempSync(join(tmpdir(), 'wheelhouse-archive-'));
    copy = join(folder, 'copy');
    const given = { url: s.url, token: s.token, since: day(2), until: day(0), framework: 'soc2' as const };
    expect(await quietly(() => archive(join(folder, 'good'), given))).toMatch(/5 receipts and 3 roots[^]*^partial: /m);
    expect(JSON.parse(readFileSync(join(folder, 'good', 'archive.json'), 'utf8'))).toMatchObject({ partial: true });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('is checked without us: receipts, proofs, roots, chain, checkpoint; by its key, or one that was kept', async () => {
    const good = join(folder, 'good');
    const { fingerprint } = (await s.call('GET', '/receipts/key')).body.data;
    for (const options of [{}, { fingerprint }, { key: [join(good, 'public_key.pem')] }]) {
      expect(await checked(good, options)).toEqual([0, expect.stringContaining('8 good, 0 bad')]);
      expect(await checked(bundle(good), options)).toEqual([0, expect.stringMatching(/^ok[^]* 0 bad, by/)]);
    }
    const witnessed = await checked(good, { witness: [verifierKey(witnessKey)] });
    expect(witnessed).toEqual([0, expect.stringContaining('checkpoint of size 3 by witness.example/w1, at 2')]);
    await expect(checked(good, { fingerprint: '0'.repeat(32) })).rejects.toThrow('fingerprint');
    const stranger = noteKey('witness.example/w2', 'witness', generateKeyPairSync('ed25519').publicKey);
    expect(await checked(good, { witness: [verifierKey(stranger)] })).toEqual([
      1,
      expect.stringContaining('cosignature_missing'),
    ]);
  });

  type Edit = (json: any) => void;
  const edited = (path: string, edit: Edit): void => {
    const json = JSON.parse(readFileSync(path, 'utf8'));
    edit(json);
    writeFileSync(path, JSON.stringify(json));
  };
  const other = '0'.repeat(64);
  test.each<[error: string, part: string | (() => string), edit: Edit]>([
    ['signature_mismatch', () => `receipts/${calls3[1]}`, (r) => (r.receipt.decision = 'deny')],
    ['leaf_mismatch', () => `receipts/${calls3[1]}`, (r) => delete r.algorithm],
    ['proof_mismatch', () => `inclusion/${calls3[1]}`, (p) => (p.proof.siblings[0].hash = other)],
    ['proof_mismatch', () => `inclusion/${calls3[1]}`, (p) => (p.proof.index += 1)],
    ['leaf_mismatch', () => `inclusion/${calls3[1]}`, (p) => (p.proof.leaf = other)],
    ['rfc6962_proof_mismatch', () => `inclusion/${calls3[1]}`, (p) => (p.rfc6962.path[0] = other)],
    ['malformed_inclusion', () => `inclusion/${calls3[1]}`, (p) => (p.proof.root = 7)],
    ['signature_mismatch', `roots/${day(1)}`, (r) => (r.signed.receipt.root_hash = r.root_hash = other)],
    ['root_hash_mismatch', `roots/${day(0)}`, (r) => (r.leaf_count += 1)],
    [
      'checkpoint_signature_mismatch',
      `roots/${day(1)}`,
      (r) => (r.checkpoint.note = r.checkpoint.note.replace('\n3\n', '\n4\n')),
    ],
    ['checkpoint_proof_mismatch', `roots/${day(1)}`, (r) => (r.checkpoint.path[0] = other)],
    ['malformed_checkpoint', `roots/${day(1)}`, (r) => (r.checkpoint.note = 'no note')],
    ['unknown_key_fingerprint', `roots/${day(2)}`, (r) => (r.signed.public_key_fingerprint = other.slice(32))],
  ])('that was changed is refused: %s', async (error, part, edit) => {
    cpSync(join(folder, 'good'), copy, { recursive: true });
    edited(join(copy, `${typeof part === 'string' ? part : part()}.json`), edit);
    expect(await checked(copy)).toEqual([1, expect.stringContaining(`BAD   ${error}`)]);
  });

  test('from which something was taken is refused', async () => {
    for (const [part, error] of [
      ['receipts', 'receipt_missing'],
      ['inclusion', 'inclusion_missing'],
      ['roots', 'root_missing'],
    ] as const) {
      rmSync(copy, { recursive: true, force: true });
      cpSync(join(folder, 'good'), copy, { recursive: true });
      rmSync(join(copy, part, readdirSync(join(copy, part)).at(-1) as string));
      expect(await checked(copy)).toEqual([1, expect.stringContaining(`BAD   ${error}`)]);
    }
  });

  const isCall = (r: any): boolean => r.receipt !== undefined;
  test.each<[error: string, edit: Edit]>([
    ['event_hash_mismatch', (b) => (b.records.find(isCall).audit_row.tool = 'files.read')],
    [
      'prev_hash_mismatch',
      (b) => b.records.splice(b.records.findIndex((r: any) => !isCall(r) && r.audit_row.chain_shard === 0) + 1, 1),
    ],
    ['receipt_mismatch', (b) => (b.records.find(isCall).audit_row.metadata_json = {})],
    ['receipt_mismatch', (b) => (b.records.find(isCall).audit_row.reason = 'because')],
    ['signature_mismatch', (b) => (b.records.find(isCall).receipt.receipt.reason = 'because')],
    ['leaves_mismatch', (b) => delete b.records.find(isCall).receipt],
    ['signature_mismatch', (b) => (b.merkle_roots[0].signed_payload_canonical_json += ' ')],
    ['root_hash_mismatch', (b) => (b.merkle_roots[1].root_hash = other)],
    ['prev_root_hash_mismatch', (b) => b.merkle_roots.splice(1, 1)],
    ['unknown_key_fingerprint', (b) => (b.merkle_roots[2].kid = other.slice(32))],
    ['root_missing', (b) => b.merkle_roots.pop()],
    ['other_tenant', (b) => (b.tenant_id = s.config.taskQueuePrefix)],
    ['retention_exceeded', (b) => (b.retention_metadata.configured_retention_days = -1)],
    ['malformed_bundle', (b) => (b.format_version = 'aegis-evidence-bundle/2030-01')],
  ])('whose evidence bundle was changed is refused: %s', async (error, edit) => {
    cpSync(join(folder, 'good'), copy, { recursive: true });
    edited(bundle(copy), edit);
    expect(await checked(bundle(copy))).toEqual([1, expect.stringContaining(`BAD   ${error}`)]);
  });
});

test('verify-root: right, of a day, tampered, by a stranger, malformed, of another tenant', async () => {
  const check = (body: unknown) => post('/transparency/verify-root', body);
  const { signed } = await get(`/transparency/roots/${day(3)}`);
  const right = { valid: true, algorithm: 'ed25519', expected_fingerprint: signed.public_key_fingerprint, errors: [] };
  for (const body of [signed, { signed }, { date: day(3) }]) expect((await check(body)).body.data).toEqual(right);
  const wrong = (error: string) => ({ ...right, valid: false, errors: [error] });
  const forged = { ...signed, receipt: { ...signed.receipt, leaf_count: 7 } };
  expect((await check(forged)).body.data).toEqual(wrong('signature_mismatch'));
  expect((await check({ ...signed, public_key_fingerprint: '0'.repeat(32) })).body.data).toEqual(
    wrong('unknown_key_fingerprint'),
  );
  // Signed by us, and not what stands: a second history.
  const other = { ...signed.receipt, root_hash: '0'.repeat(64) };
  const { signature } = kernel.keyring.sign('receipt', canonical(other));
  expect((await check({ ...signed, receipt: other, signature })).body.data).toEqual(wrong('root_hash_mismatch'));
  const { data: receipt } = (await s.call('GET', `/receipts/${ids[0]}`)).body;
  for (const malformed of [{}, { ...signed, receipt: 1 }, receipt])
    expect([(await check(malformed)).status, (await check(malformed)).body.error]).toEqual([400, 'malformed_payload']);
  expect((await check({ date: day(30) })).status).toBe(404);
  const stranger = await s.tenant();
  const foreign = await s.as(stranger.token)('POST', '/transparency/verify-root', signed);
  expect([foreign.status, foreign.body.error]).toEqual([403, 'cross_tenant_root']);
});

test('what somebody with the database changes shows: a leaf, a root, a receipt', async () => {
  const replica = (sql: string) =>
    s.owner.query(`set session_replication_role = replica; ${sql}; set session_replication_role = origin`);
  const broken = async () => {
    const { consistent, chain } = await get('/transparency/consistency');
    return [consistent, ...chain.flatMap((c: { break?: string }) => c.break ?? [])];
  };
  expect(await broken()).toEqual([true]);
  await replica(`update transparency_tiles set v1 = set_byte(v1, 5, get_byte(v1, 5) # 1) where level = 1`);
  expect(await broken()).toEqual([false, 'root_hash_mismatch']);
  expect((await post('/transparency/verify-root', { date: day(3) })).body.data.errors).toEqual(['root_hash_mismatch']);
  await replica(`update transparency_tiles set v1 = set_byte(v1, 5, get_byte(v1, 5) # 1) where level = 1`);
  await replica(`update transparency_roots set prev_root_hash = repeat('0', 64) where root_date = '${day(2)}'`);
  expect(await broken()).toEqual([false, 'prev_root_hash_mismatch']);
  await replica(`update transparency_roots set prev_root_hash = receipt::jsonb ->> 'prev_root_hash'`);
  await replica(`update receipts set receipt = replace(receipt, '"allow"', '"deny"') where entry_id = '${ids[0]}'`);
  expect((await s.call('GET', `/transparency/inclusion/${ids[0]}`)).status).toBe(409);
});

test('after a rotation the old key is listed as such, and what it signed still verifies', async () => {
  const { signed } = await get(`/transparency/roots/${day(1)}`);
  const { masterKey } = s.config;
  const next = newKey('receipt', masterKey as Buffer);
  await s.owner.query(`update signing_keys set retired_at = now() where purpose = 'receipt'`);
  await s.owner.query(
    'insert into signing_keys (fingerprint, purpose, public_pem, private_sealed) values ($1, $2, $3, $4)',
    [next.fingerprint, next.purpose, next.pem, next.sealed],
  );
  const api = await startApi(s.config);
  try {
    const call = caller(api.url, s.token);
    const { data: keys } = (await call('GET', '/transparency/keys')).body;
    expect(keys).toMatchObject({
      active: { fingerprint: next.fingerprint },
      historical: [
        { fingerprint: signed.public_key_fingerprint, algorithm: 'ed25519', retired_at: expect.any(String) },
      ],
    });
    expect((await call('POST', '/transparency/verify-root', signed)).body.data).toMatchObject({ valid: true });
    await calls(1);
    const computed = (await call('POST', '/transparency/compute', {})).body.data;
    expect(computed).toMatchObject({ signing_key_fingerprint: next.fingerprint });
  } finally {
    await api.close();
  }
});

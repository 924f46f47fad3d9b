import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { copyOut } from '../../db/copy';
import { entriesAfter } from '../../db/log-queries';
import type { Read } from '../../db/tx';
import type { Entry, NewEntry } from '../../domain/log';
import { system } from '../../domain/principal';
import { canonical } from '../../log/canonical';
import { actionOf, entryDigest, entryHash, eventHash } from '../../log/chain';
import type { Keyring } from '../../log/keys';
import { verifyLog } from '../../log/verify';
import { openHouse, type House } from '../house';

let house: House;
let keys: Pick<Keyring, 'find'>;
/** The log as its owner sees it: tampering is rolled back after each test. */
let owner: Read;

const written = 450; // more than two batches
const entry = (i: number): NewEntry => ({
  kind: i % 3 ? 'execution.allow' : 'ticket.note_added',
  actor: system,
  subject: { kind: 'execution', id: `s${i}` },
  tool: i % 3 ? 'logs.größe' : null,
  reason: i % 7 ? null : 'Grund: “x”',
  requestId: i % 3 ? `run:${i}` : null,
  correlationId: `c${i}`,
  receipt: i % 3 > 0,
  body: { step: i, risk_score: i / 7, nested: { a: [1, 'ü', null, 1e21, -0.5], empty: {} } },
});

beforeAll(async () => {
  house = await openHouse();
  for (let i = 0; i < written; i += 50) {
    await house.store.write(house.tenantId, (tx) => {
      for (let j = i; j < i + 50; j += 1) tx.log(entry(j));
      return Promise.resolve();
    });
  }
  const { rows } = await house.owner.query<{
    fingerprint: string;
    purpose: 'receipt';
    public_pem: string;
    created_at: Date;
  }>('select fingerprint, purpose, public_pem, created_at from signing_keys');
  keys = {
    find: (fingerprint) => {
      const row = rows.find((r) => r.fingerprint === fingerprint);
      return row
        ? {
            fingerprint,
            purpose: row.purpose,
            pem: row.public_pem,
            key: createPublicKey(row.public_pem),
            createdAt: row.created_at,
            retiredAt: null,
          }
        : null;
    },
  };
  owner = {
    tenantId: house.tenantId,
    query: (sql, params) => house.owner.query(sql, params as unknown[]),
    copy: (select, onRow) => copyOut(house.owner, select, onRow),
  };
});
afterAll(() => house.close());

beforeEach(() =>
  house.owner.query('begin; alter table log disable trigger all; alter table receipts disable trigger all'),
);
afterEach(() => house.owner.query('rollback'));

const found = async (): Promise<string[]> =>
  (await verifyLog(owner, keys)).violations.map((v) => `${v.seq} ${v.error}`);
const tamper = (sql: string, params: unknown[] = []) => house.owner.query(sql, params);

test('what was written verifies, through row-level security as well', async () => {
  expect(await verifyLog(owner, keys)).toEqual({ rowsChecked: written, errorCount: 0, violations: [] });
  const own = await house.store.read(house.tenantId, (tx) => verifyLog(tx, keys));
  expect(own).toEqual({ rowsChecked: written, errorCount: 0, violations: [] });
});

test.each([
  ['id', `gen_random_uuid()`],
  ['kind', `'gate.approved'`],
  ['actor', `'{"id": null, "kind": "user", "name": "mallory"}'`],
  ['subject_kind', `'gate'`],
  ['subject_id', `'other'`],
  ['version', '7'],
  ['transition', `'t'`],
  ['ticket_id', 'gen_random_uuid()'],
  ['run_id', 'gen_random_uuid()'],
  ['agent_id', 'gen_random_uuid()'],
  ['tool', `'site.publish'`],
  ['decision', `'deny'`],
  ['reason', `'because'`],
  ['request_id', `'elsewhere'`],
  ['correlation_id', `'c'`],
  ['body', `'{"step": 1e400}'`],
])('a changed %s is found', async (column, value) => {
  await tamper(`update log set ${column} = ${value} where seq = 200`);
  expect(await found()).toContain('200 content_mismatch');
});

test.each([
  ['at', `at + interval '1 microsecond'`, '200 hash_mismatch'],
  ['digest', `repeat('a', 64)`, '200 hash_mismatch'],
  ['hash', `repeat('a', 64)`, '201 prev_hash_mismatch'],
  ['prev_hash', `repeat('a', 64)`, '200 prev_hash_mismatch'],
  ['chain_shard', '(chain_shard + 1) % 16', '200 shard_mismatch'],
  ['event_prev', `repeat('a', 64)`, '200 event_prev_mismatch'],
  ['event_hash', `repeat('a', 64)`, '200 event_hash_mismatch'],
  ['seq', '100000', '201 gap'],
])('a changed %s is found', async (column, value, violation) => {
  await tamper(`update log set ${column} = ${value} where seq = 200`);
  expect(await found()).toContain(violation);
});

test('entries from before the log kept canonical text verify as well, and no worse', async () => {
  await tamper('update log set actor = actor::jsonb::text::json, body = body::jsonb::text::json');
  expect(await found()).toEqual([]);
  await tamper(`update log set body = (body::jsonb || '{"step": 0}')::json where seq = 200`);
  expect(await found()).toContain('200 content_mismatch');
});

test('an entry taken out of the middle is a gap, and its receipt tells which', async () => {
  const [gone] = (await tamper('delete from log where seq = 200 returning id')).rows as { id: string }[];
  const { violations } = await verifyLog(owner, keys);
  expect(violations[0]).toMatchObject({ seq: 201, error: 'gap', expected: '200', actual: '201' });
  expect(violations.map((v) => v.error)).toEqual(expect.arrayContaining(['prev_hash_mismatch', 'entry_missing']));
  expect(violations.find((v) => v.error === 'entry_missing')?.id).toBe(gone?.id);
});

test('two entries that changed places are found', async () => {
  await tamper('update log set seq = 100000 where seq = 200');
  await tamper('update log set seq = 200 where seq = 201');
  await tamper('update log set seq = 201 where seq = 100000');
  expect(await found()).toEqual(
    expect.arrayContaining(['200 prev_hash_mismatch', '201 prev_hash_mismatch', '201 time_not_rising']),
  );
});

test('a tail that was cut off is found by the receipts and readers that outlived it', async () => {
  await tamper('delete from log where seq > 440');
  expect((await verifyLog(owner, keys)).violations.map((v) => v.error)).toContain('entry_missing');
  await tamper(`insert into cursors (tenant_id, reader, seq) values ($1, 'webhooks', 450)`, [house.tenantId]);
  expect(await found()).toContain('null truncated');
});

/** The row as a forger writes it who knows every recipe, but holds no key. */
async function forge(seq: number, change: Partial<Entry>): Promise<void> {
  const entries = await entriesAfter(owner, 0, written);
  const row = entries.find((e) => e.seq === seq);
  if (!row) throw new Error(`no entry ${seq}`);
  const forged = { ...row, ...change };
  const { actor, body } = forged;
  forged.digest = entryDigest({ ...forged, actor: canonical(actor), body: canonical(body) });
  forged.eventHash = eventHash(forged.eventPrev, forged);
  forged.hash = entryHash(forged);
  await tamper('update log set kind = $2, decision = $3, digest = $4, event_hash = $5, hash = $6 where seq = $1', [
    seq, forged.kind, forged.decision, forged.digest, forged.eventHash, forged.hash,
  ]); // prettier-ignore
}

test('a rewritten entry whose own hashes fit is found by the next one', async () => {
  await forge(199, { kind: 'ticket.closed' });
  expect(await found()).toContain('200 prev_hash_mismatch');
});

test('a rewritten last entry is found by its receipt', async () => {
  await forge(written, { decision: 'deny', kind: 'execution.deny' });
  expect(await found()).toEqual([`${written} receipt_mismatch`]);
});

test.each([
  ['another text', `update receipts set receipt = replace(receipt, '"allow"', '"deny"')`, 'receipt_signature_mismatch'],
  ['another signature', `update receipts set signature = repeat('A', 86)`, 'receipt_signature_mismatch'],
  ['a garbled signature', `update receipts set signature = '?'`, 'receipt_signature_mismatch'],
  ['none', 'delete from receipts', 'receipt_missing'],
])('a receipt with %s is found', async (_what, sql, error) => {
  await tamper(`${sql} where entry_id = (select id from log where seq = 200)`);
  expect(await found()).toEqual([`200 ${error}`]);
});

test('a receipt by a key of our own making is found, however it is named', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const pem = publicKey.export({ type: 'spki', format: 'pem' }) as string;
  const receipt = canonical({ version: 1, action: actionOf('execution.allow') });
  const signature = sign(null, Buffer.from(receipt), privateKey).toString('base64url');
  await tamper(
    `insert into signing_keys (fingerprint, purpose, public_pem, private_sealed, retired_at) values ('forged', 'receipt', $1, '', now())`,
    [pem],
  );
  await tamper(
    `update receipts set receipt = $1, signature = $2, fingerprint = 'forged' where entry_id = (select id from log where seq = 200)`,
    [receipt, signature],
  );
  expect(await found()).toEqual(['200 receipt_key_unknown']);
});

test('of a log that is wrong throughout, the first hundred findings are told and all are counted', async () => {
  await tamper(`update log set body = '{}'`);
  const { violations, errorCount } = await verifyLog(owner, keys);
  expect(violations).toHaveLength(100);
  expect(errorCount).toBeGreaterThan(written);
});

test('the application itself cannot do any of this', async () => {
  await house.owner.query('rollback'); // it waits for nobody
  for (const sql of ['update log set seq = seq', 'delete from log', 'update receipts set signature = signature']) {
    await expect(house.store.read(house.tenantId, (tx) => tx.query(sql))).rejects.toThrow();
    await expect(house.store.write(house.tenantId, (tx) => tx.query(sql))).rejects.toThrow(/permission denied/);
  }
});

test('nothing to verify is nothing wrong', async () => {
  await tamper('delete from receipts');
  await tamper('delete from log');
  expect(await verifyLog(owner, keys)).toEqual({ rowsChecked: 0, errorCount: 0, violations: [] });
});

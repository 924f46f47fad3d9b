import { canonical, sha256 } from '../../log/canonical';
import { startServer, type Server } from '../harness';
import { asLines, idOf, paymentRows } from '../payments';

let s: Server;
beforeAll(async () => {
  s = await startServer({}, { worker: false });
});
afterAll(() => s.close());

const payments = '/api/v1/ops-agent/transactions';
const disputes = '/api/v1/ops-agent/disputes';
const ndjson = { 'content-type': 'application/x-ndjson' };
const stored = async (table: string, tenantId = s.tenantId): Promise<number> => {
  const { rows } = await s.owner.query<{ n: number }>(`select count(*)::int n from ${table} where tenant_id = $1`, [
    tenantId,
  ]);
  return rows[0]?.n ?? -1;
};
const entries = async (kind: string) => {
  const { rows } = await s.owner.query<{ body: Record<string, unknown> }>(
    'select body from log where tenant_id = $1 and kind = $2 order by seq',
    [s.tenantId, kind],
  );
  return rows.map((r) => r.body);
};

test('10,000 rows as lines, once; the same rows again as an array change nothing', async () => {
  const rows = paymentRows(10_000);
  const first = await s.call('POST', payments, asLines(rows), ndjson);
  expect([first.status, first.body]).toEqual([
    200,
    { received: 10_000, new: 10_000, known: 0, rejected: 0, rejections: [], digest: expect.any(String) },
  ]);
  const again = await s.call('POST', payments, rows);
  expect([again.status, again.body]).toMatchObject([200, { received: 10_000, new: 0, known: 10_000, rejected: 0 }]);
  expect(await stored('transactions')).toBe(10_000);
  const written = rows.map((r) =>
    canonical({
      transactionId: r.transaction_id, occurredAt: r.occurred_at, customerId: r.customer_id, terminalId: r.terminal_id, amount: r.amount,
    }),
  ); // prettier-ignore
  expect(first.body.digest).toBe(sha256(written.join('\n')));
  expect(await entries('transactions.ingested')).toEqual([
    { received: 10_000, new: 10_000, known: 0, rejected: 0, digest: first.body.digest },
    { received: 10_000, new: 0, known: 10_000, rejected: 0, digest: sha256('') },
  ]);
});

test('one row more than 10,000, or more bytes than a call takes, is refused, and nothing of it is written', async () => {
  const before = await stored('transactions');
  const many = await s.call('POST', payments, asLines(paymentRows(10_001, { seed: 2 })), ndjson);
  expect([many.status, many.body.error.code]).toEqual([413, 'OPS_AGENT_INVALID_REQUEST']);
  expect(many.text).toContain('10000 rows');
  const wide = await s.call('POST', payments, `[${' '.repeat(8 * 1024 * 1024)}]`);
  expect([wide.status, wide.body.error.message]).toEqual([413, 'body: larger than 8388608 bytes']);
  const long = await s.call('POST', payments, `{"customer_id":"${'x'.repeat(20_000)}"}`, ndjson);
  expect([long.status, long.body.error.message]).toEqual([413, 'body: row 1 is longer than 16384 characters']);
  expect(await stored('transactions')).toBe(before);
});

test('wrong rows are named by line and field, with what would be right; the others are taken', async () => {
  const [good, other] = paymentRows(2, { seed: 3 });
  const wrong: [row: object | string, field: string | null, says: string][] = [
    [{ ...good, transaction_id: '17' }, 'transaction_id', 'UUID'],
    [{ ...good, occurred_at: 'yesterday' }, 'occurred_at', 'ISO'],
    [{ ...good, occurred_at: '2021-03-01T10:00:00' }, 'occurred_at', 'ISO'],
    [{ ...good, occurred_at: '0000-01-01T00:00:00Z' }, 'occurred_at', 'years 1 to 9999'],
    [{ ...good, occurred_at: '0001-01-01T00:00:00+14:00' }, 'occurred_at', 'years 1 to 9999'],
    [{ ...good, occurred_at: '9999-12-31T23:59:59-14:00' }, 'occurred_at', 'years 1 to 9999'],
    [{ ...good, occurred_at: '1969-12-31T23:59:59Z' }, 'occurred_at', 'before 1970'],
    [{ ...good, occurred_at: '2099-01-01T00:00:00Z' }, 'occurred_at', 'in the future'],
    [{ ...good, occurred_at: new Date(Date.now() + 6 * 60_000).toISOString() }, 'occurred_at', 'in the future'],
    [{ ...good, amount: '12.50' }, 'amount', 'number'],
    [{ ...good, amount: -1 }, 'amount', 'negative'],
    [{ ...good, amount: 0.00001 }, 'amount', 'decimals'],
    [{ ...good, amount: 99_999_999.00001 }, 'amount', 'decimals'],
    [{ ...good, amount: 1e12 }, 'amount', '999999999'],
    [{ ...good, customer_id: '' }, 'customer_id', '1'],
    [{ ...good, terminal_id: undefined }, 'terminal_id', 'is required'],
    [{ ...good, terminal_id: 'a\u0000b' }, 'terminal_id', 'stored'],
    [[good], null, 'object'],
    ['{"transaction_id":', null, 'malformed JSON'],
  ];
  const text = [
    JSON.stringify(good), '', ...wrong.map(([row]) => (typeof row === 'string' ? row : JSON.stringify(row))), JSON.stringify(other),
  ].join('\n'); // prettier-ignore
  const a = await s.call('POST', payments, text, ndjson);
  expect([a.status, a.body]).toMatchObject([200, { received: 21, new: 2, known: 0, rejected: 19 }]);
  wrong.forEach(([, field, says], i) => {
    expect(a.body.rejections[i]).toMatchObject({ line: i + 3, field, reason: 'invalid', transaction_id: null });
    expect(a.body.rejections[i].message.toLowerCase()).toContain(says.toLowerCase());
  });
});

test('the same id with other content is a conflict that says what stands, in one call and in the next', async () => {
  const [row] = paymentRows(1, { seed: 4 });
  if (!row) throw new Error('no row');
  const sent = [row, { ...row, amount: row.amount + 1 }, row, { ...row, transaction_id: row.transaction_id.toUpperCase() }]; // prettier-ignore
  const a = await s.call('POST', payments, sent);
  expect(a.body).toMatchObject({ received: 4, new: 1, known: 2, rejected: 1 });
  const message = `this id stands with amount ${row.amount}, and is not overwritten`;
  expect(a.body.rejections).toEqual([
    { line: 2, transaction_id: row.transaction_id, field: 'amount', reason: 'conflict', message },
  ]);
  const later = await s.call('POST', payments, [
    { ...row, terminal_id: 'elsewhere', occurred_at: '2021-03-01T01:00:00+01:00' },
  ]);
  expect(later.body).toMatchObject({ new: 0, known: 0, rejected: 1, rejections: [{ line: 1, field: 'terminal_id' }] });
  const { rows } = await s.owner.query('select amount, terminal_id from transactions where transaction_id = $1', [
    row.transaction_id,
  ]);
  expect(rows).toEqual([{ amount: row.amount.toFixed(4), terminal_id: row.terminal_id }]);
});

test.each([
  ['the largest', 999_999_999, '999999999.0000'],
  ['large, with four decimals', 123_456_789.1234, '123456789.1234'],
  ['a sum that is off as a double', 0.1 + 0.2, '0.3000'],
  ['nothing, with a sign', -0, '0.0000'],
  ['from a clock that is ahead', 1, '1.0000', new Date(Date.now() + 4 * 60_000).toISOString()],
  ['the earliest moment', 1, '1.0000', '1970-01-01T00:00:00.000Z'],
])(
  '%s is written, and known when it comes again',
  async (name, amount, stands, occurred_at = '2021-03-01T01:00:00Z') => {
    const row = { transaction_id: idOf(name), occurred_at, customer_id: 'c', terminal_id: 't', amount };
    expect((await s.call('POST', payments, [row])).body).toMatchObject({ new: 1, rejections: [] });
    expect((await s.call('POST', payments, [row])).body).toMatchObject({ known: 1, rejections: [] });
    const { rows } = await s.owner.query('select amount from transactions where transaction_id = $1', [
      row.transaction_id,
    ]);
    expect(rows).toEqual([{ amount: stands }]);
  },
);

test('calls at the same time with the same rows in other orders: each row is new to one of them', async () => {
  const rows = paymentRows(3_000, { seed: 5 });
  const orders = [rows, [...rows].reverse(), [...rows.slice(1_000), ...rows.slice(0, 1_000)], rows.slice(500, 2_500)];
  const answers = await Promise.all(orders.map((o) => s.call('POST', payments, asLines(o), ndjson)));
  expect(answers.map((a) => a.status)).toEqual([200, 200, 200, 200]);
  expect(answers.reduce((sum, a) => sum + a.body.new, 0)).toBe(3_000);
  expect(answers.map((a) => a.body.new + a.body.known)).toEqual([3_000, 3_000, 3_000, 2_000]);
  expect(answers.every((a) => a.body.rejected === 0)).toBe(true);
});

test('a dispute is taken when its payment is here, once, and never moved', async () => {
  const [row] = paymentRows(1, { seed: 6 });
  const dispute = { transaction_id: row?.transaction_id, disputed_at: '2021-03-09T08:00:00Z', scenario: 3 };
  const early = await s.call('POST', disputes, [dispute]);
  expect(early.body).toMatchObject({
    new: 0, rejected: 1, rejections: [{ line: 1, field: 'transaction_id', reason: 'unknown_transaction' }],
  }); // prettier-ignore
  await s.call('POST', payments, [row]);
  const sent = [dispute, dispute, { ...dispute, disputed_at: '2021-03-10T08:00:00Z' }, { transaction_id: 'x' }];
  const a = await s.call('POST', disputes, asLines(sent), ndjson);
  expect(a.body).toMatchObject({ received: 4, new: 1, known: 1, rejected: 2 });
  expect(a.body.rejections).toMatchObject([
    { line: 3, field: 'disputed_at', reason: 'conflict' },
    { line: 4, field: 'transaction_id', reason: 'invalid' },
  ]);
  expect((await s.call('POST', disputes, [dispute])).body).toMatchObject({ new: 0, known: 1, rejected: 0 });
  expect((await entries('disputes.ingested')).at(-1)).toMatchObject({ received: 1, new: 0, known: 1, rejected: 0 });
});

test('a dispute from before its payment is invalid by its line, and the right one is taken: after it, or beside it', async () => {
  const [row, other] = paymentRows(2, { seed: 10 });
  await s.call('POST', payments, [row, other]);
  const [at, before] = ['2021-03-01T00:00:00.000Z', '2021-02-28T23:59:59.999Z'];
  const wrong = { transaction_id: row?.transaction_id, disputed_at: before };
  expect((await s.call('POST', disputes, [wrong])).body).toMatchObject({
    new: 0, known: 0, rejected: 1,
    rejections: [{
      line: 1, transaction_id: row?.transaction_id, field: 'disputed_at', reason: 'invalid',
      message: `must not be before its payment, which was made at ${at}`,
    }],
  }); // prettier-ignore
  const ahead = { transaction_id: row?.transaction_id, disputed_at: '2099-01-01T00:00:00Z' };
  const right = { ...wrong, disputed_at: at };
  const beside = [{ ...wrong, transaction_id: other?.transaction_id }, ahead, right, { ...right, transaction_id: other?.transaction_id, disputed_at: '2021-03-02T00:00:00Z' }]; // prettier-ignore
  expect((await s.call('POST', disputes, beside)).body).toMatchObject({
    new: 2, known: 0, rejected: 2, rejections: [{ line: 1, reason: 'invalid' }, { line: 2, reason: 'invalid', message: 'lies in the future' }],
  }); // prettier-ignore
  expect((await s.call('POST', disputes, [right])).body).toMatchObject({ known: 1, rejected: 0 });
});

test("another tenant's payments are its own: the same ids are new there, and have no disputes here", async () => {
  const stranger = await s.tenant();
  const [row] = paymentRows(1, { seed: 7 });
  await s.call('POST', payments, [row]);
  const there = s.as(stranger.token);
  const dispute = { transaction_id: row?.transaction_id, disputed_at: '2021-03-09T08:00:00Z' };
  expect((await there('POST', disputes, [dispute])).body).toMatchObject({ new: 0, rejected: 1 });
  expect((await there('POST', payments, [{ ...row, amount: 1 }])).body).toMatchObject({ new: 1, rejected: 0 });
  expect(await stored('transactions', stranger.tenantId)).toBe(1);
});

test.each([
  ['an object', '{"transaction_id":1}', 'array'],
  ['a broken array', `[${JSON.stringify({ a: 1 })}`, 'malformed JSON'],
  ['a broken row', '[{"a":}]', 'malformed JSON in row 1'],
  ['something behind the array', '[] []', 'malformed JSON'],
  ['no rows', '[]', 'no rows'],
  ['nothing', '', 'no rows'],
])('%s is no body of rows: 400, and nothing is written', async (_what, text, says) => {
  const before = await stored('log');
  const a = await s.call('POST', payments, text);
  expect([a.status, a.body.error.code]).toEqual([400, 'OPS_AGENT_INVALID_REQUEST']);
  expect(a.body.error.message).toContain(says);
  expect(await stored('log')).toBe(before);
});

test('a packed body, and text of another kind, are refused by name; bytes that are no UTF-8 too', async () => {
  const packed = await s.call('POST', payments, '[]', { 'content-encoding': 'gzip' });
  expect([packed.status, packed.text.includes('gzip')]).toEqual([415, true]);
  expect((await s.call('POST', payments, 'a,b', { 'content-type': 'text/csv' })).status).toBe(415);
  const latin = await s.call('POST', payments, '[]', { 'content-type': 'application/json; charset="latin1"' });
  expect([latin.status, latin.text.includes('UTF-8')]).toEqual([415, true]);
  const res = await fetch(s.url + payments, {
    method: 'POST',
    headers: { authorization: `Bearer ${s.token}`, ...ndjson },
    body: Buffer.from([0x7b, 0xff, 0xfe]),
  });
  expect([res.status, (await res.text()).includes('UTF-8')]).toEqual([400, true]);
});

test('with an Idempotency-Key a repeat gets the first answer, and another body is refused', async () => {
  const rows = paymentRows(3, { seed: 8 });
  const key = { 'idempotency-key': 'ingest-1', ...ndjson };
  const first = await s.call('POST', payments, asLines(rows), key);
  const again = await s.call('POST', payments, asLines(rows), key);
  expect(again.body).toEqual(first.body);
  expect(again.headers.get('idempotent-replayed')).toBe('true');
  expect((await s.call('POST', payments, asLines(rows.slice(1)), key)).status).toBe(422);
});

test('what the log refuses is not written either', async () => {
  const [row] = paymentRows(1, { seed: 9 });
  await s.owner.query(`revoke insert on log from wheelhouse_app`);
  const refused = await s.call('POST', payments, [row]);
  await s.owner.query(`grant insert on log to wheelhouse_app`);
  expect([refused.status, refused.body.error.code]).toEqual([502, 'OPS_AGENT_DEPENDENCY_FAILURE']);
  expect(refused.headers.get('retry-after')).toBe('2');
  const { rows } = await s.owner.query('select 1 from transactions where transaction_id = $1', [idOf('payment 9 0')]);
  expect(rows).toEqual([]);
});

test('it needs ops_agent:ingest', async () => {
  const reader = await s.user('READ_ONLY');
  expect((await s.as(reader.token)('POST', payments, paymentRows(1))).status).toBe(403);
});

import { startServer, until, type Server } from '../harness';
import { paymentRows } from '../payments';

let s: Server;
const base = '/api/v1/ops-agent';
const day = 86_400_000;
/** Of the last weeks: a back-test looks at all of them, each beside its customer's history, which takes more than a millisecond. */
const rows = paymentRows(5_000, { perDay: 200 }).map((p, i) => ({
  ...p,
  occurred_at: new Date(Date.now() - 26 * day + (i * day) / 200).toISOString(),
}));
const last = rows.at(-1);
const odd = {
  ...rows[0],
  transaction_id: '5f0c1b5e-52c0-4b0e-9a51-1a4f5f7b1c11',
  occurred_at: last?.occurred_at,
  amount: 200,
};

beforeAll(async () => {
  s = await startServer({ LOG_LEVEL: 'warn', OPS_AGENT_BACK_TEST_TIMEOUT_MS: '1' });
  const sent = await s.call('POST', `${base}/transactions`, [...rows, odd]);
  expect([sent.status, sent.body.new]).toEqual([200, 5_001]);
});
afterAll(() => s.close());

test('a back-test that takes too long: the draft stands, and its metadata says so', async () => {
  const started = await s.call('POST', `${base}/investigations/run`, {
    transaction_id: odd.transaction_id,
    mode: 'quick',
  });
  const id = started.body.investigation_id;
  const it = await until(async () => {
    const { body } = await s.call('GET', `${base}/investigations/${id}`);
    return body.completed_at === null ? null : body;
  }, `investigation ${id} to end`);
  expect(it).toMatchObject({ status: 'COMPLETED', error: null, inconclusive: false });
  expect(it.tool_executions.at(-1)).toMatchObject({ tool: 'back_test', decision: 'allow' });
  const draft = await s.call('GET', `${base}/investigations/${id}/rule-draft`);
  expect([draft.status, draft.body.conditions]).toEqual([
    200,
    [{ feature: 'times_usual', operator: '>=', value: expect.any(Number) }],
  ]);
  expect(draft.body.metadata.evidence_id).toBe(it.evidence.at(-1).evidence_id);
  expect(draft.body.metadata.back_test).toEqual({
    too_long: true,
    stopped_after_ms: expect.any(Number),
    message: expect.stringContaining('took too long'),
    newest: 5_000,
    until: expect.any(String),
  });
});

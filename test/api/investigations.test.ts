import { v7 } from 'uuid';
import { startServer, until, type Server } from '../harness';
import { idOf } from '../payments';

let s: Server;
let stranger: Server['call'];
const base = '/api/v1/ops-agent';
const day = (n: number): string => new Date(Date.UTC(2021, 2, 1) + n * 86_400_000).toISOString();

/** Twenty ordinary payments of a customer, one of them disputed since; and then what is to be looked into. */
const usual = Array.from({ length: 20 }, (_, i) => ({
  transaction_id: idOf(`usual ${i}`), occurred_at: day(i), customer_id: 'c-1', terminal_id: `t-${i % 4}`, amount: 20 + (i % 5),
})); // prettier-ignore
const large = {
  transaction_id: idOf('large'),
  occurred_at: day(21),
  customer_id: 'c-1',
  terminal_id: 't-9',
  amount: 512.25,
};
const small = { ...large, transaction_id: idOf('small'), occurred_at: day(22), amount: 21, terminal_id: 't-1' };

beforeAll(async () => {
  s = await startServer({ LOG_LEVEL: 'warn' });
  stranger = s.as((await s.tenant('agent_only')).token);
  const sent = await s.call('POST', `${base}/transactions`, [...usual, large, small]);
  expect([sent.status, sent.body.new]).toEqual([200, 22]);
});
afterAll(() => s.close());

const run = async (transaction_id: string, mode = 'quick', headers = {}) =>
  s.call('POST', `${base}/investigations/run`, { transaction_id, mode }, headers);
const detail = async (id: string) => (await s.call('GET', `${base}/investigations/${id}`)).body;
const ended = (id: string) =>
  until(async () => {
    const it = await detail(id);
    return it.completed_at === null ? null : it;
  }, `investigation ${id} to end`);

test('run answers at once; the end has insights over evidence, recommendations, a draft, and how it came about', async () => {
  const started = await run(large.transaction_id);
  expect([started.status, started.body]).toMatchObject([
    202,
    { transaction_id: large.transaction_id, mode: 'quick', severity: null, completed_at: null },
  ]);
  expect(['PENDING', 'IN_PROGRESS']).toContain(started.body.status);
  const it = await ended(started.body.investigation_id);
  expect(it).toMatchObject({
    status: 'COMPLETED',
    severity: 'CRITICAL',
    attempt: 1,
    inconclusive: false,
    error: null,
    step_count: 4,
  });
  expect(it.tool_executions.map((e: any) => [e.step, e.tool, e.decision])).toEqual([
    [0, 'transaction', 'allow'],
    [1, 'customer_history', 'allow'],
    [2, 'terminal_history', 'allow'],
    [3, 'back_test', 'allow'],
  ]);
  expect(it.planner_decisions.map((d: any) => [d.phase, d.decided_by])).toEqual([
    ['plan', 'rules'],
    ['weigh', 'rules'],
  ]);
  const ids = new Set(it.evidence.map((e: any) => e.evidence_id));
  expect(ids.size).toBe(4);
  expect(it.insights.length).toBeGreaterThan(0);
  for (const { evidence_ids } of [...it.insights, ...it.recommendations]) {
    expect(evidence_ids.length).toBeGreaterThan(0);
    for (const id of evidence_ids) expect(ids).toContain(id);
  }
  // An evidence block is a recorded call: its receipt proves it.
  const receipt = await s.call('GET', `/receipts/${it.evidence[0].evidence_id}`);
  expect(receipt.status).toBe(200);
  const draft = await s.call('GET', `${base}/investigations/${it.investigation_id}/rule-draft`);
  expect(draft.body).toMatchObject({
    rule_draft_id: it.rule_draft_id,
    conditions: [{ feature: 'amount', operator: '>=', value: 220 }],
  });
  expect(draft.body.metadata.back_test).toMatchObject({ payments: 22, flagged: 1, flagged_disputed: 0 });
  const { body } = await s.call('GET', `${base}/transactions/${large.transaction_id}/insights`);
  expect(body.insights).toHaveLength(it.insights.length);
  expect(body.insights[0].evidence[0]).toMatchObject({ kind: expect.any(String), payload: expect.any(Object) });
});

test('full looks at more than quick; where nothing is unusual there is nothing to recommend, and no draft', async () => {
  const it = await ended((await run(small.transaction_id, 'full')).body.investigation_id);
  expect(it.tool_executions.map((e: any) => e.tool)).toEqual([
    'transaction',
    'customer_history',
    'terminal_history',
    'neighbours',
  ]);
  expect(it).toMatchObject({ status: 'COMPLETED', severity: 'LOW', recommendations: [], rule_draft_id: null });
  const draft = await s.call('GET', `${base}/investigations/${it.investigation_id}/rule-draft`);
  expect([draft.status, draft.body.error.code]).toEqual([404, 'OPS_AGENT_NOT_FOUND']);
});

test('an unknown transaction is not there, an unknown mode is not valid, and a repeat finds the first', async () => {
  const unknown = await run(v7());
  expect([unknown.status, unknown.body.error.code]).toEqual([404, 'OPS_AGENT_NOT_FOUND']);
  const mode = await run(small.transaction_id, 'slow');
  expect([mode.status, mode.body.error.code, mode.body.error.details[0].field]).toEqual([
    400,
    'OPS_AGENT_INVALID_REQUEST',
    'body.mode',
  ]);
  const key = { 'idempotency-key': v7() };
  const [a, b] = [await run(small.transaction_id, 'quick', key), await run(small.transaction_id, 'quick', key)];
  expect(b.body.investigation_id).toBe(a.body.investigation_id);
  await ended(a.body.investigation_id);
});

test('the list is filtered and counted; of another tenant there is nothing', async () => {
  const of = async (query: string, call: Server['call'] = (...asked) => s.call(...asked)) =>
    (await call('GET', `${base}/investigations?${query}`)).body;
  const all = await of('limit=2');
  expect(all).toMatchObject({ total: expect.any(Number), limit: 2, offset: 0 });
  expect(all.items).toHaveLength(2);
  const next = await of('limit=2&offset=2');
  expect(next.items.map((i: any) => i.investigation_id)).not.toContain(all.items[1].investigation_id);
  const mine = await of(`transaction_id=${large.transaction_id}&status=COMPLETED`);
  expect([mine.total, mine.items[0].transaction_id]).toEqual([1, large.transaction_id]);
  expect((await of('status=FAILED')).total).toBe(0);
  expect(await of('limit=2', stranger)).toMatchObject({ items: [], total: 0 });
  const foreign = await stranger('POST', `${base}/investigations/run`, { transaction_id: large.transaction_id });
  expect([foreign.status, foreign.body.error.code]).toEqual([404, 'OPS_AGENT_NOT_FOUND']);
});

test('the worklist goes on behind its cursor; forged, foreign and mixed cursors are refused', async () => {
  for (let i = 0; i < 4; i += 1) await ended((await run(large.transaction_id)).body.investigation_id);
  const of = (query: string) => s.call('GET', `${base}/worklist/recommendations?${query}`);
  const first = (await of('limit=2&severity=CRITICAL')).body;
  expect(first.items).toHaveLength(2);
  const second = (await of(`limit=2&severity=CRITICAL&cursor=${first.next_cursor}`)).body;
  const shown = [...first.items, ...second.items].map((r: any) => r.recommendation_id);
  expect(new Set(shown).size).toBe(4);
  // A cursor whose own row is decided meanwhile still says where it was.
  await s.call('POST', `${base}/worklist/recommendations/${first.items[1].recommendation_id}/acknowledge`, {
    action: 'REJECTED',
  });
  const stale = (await of(`limit=2&severity=CRITICAL&cursor=${first.next_cursor}`)).body;
  expect(stale.items).toEqual(second.items);
  const bent = Buffer.from(JSON.stringify({ p: 3_000, i: 'x', s: null })).toString('base64url');
  for (const cursor of ['nonsense', bent, `${first.next_cursor}A`, first.next_cursor]) {
    const refused = await of(`cursor=${cursor}`); // of the list with no severity
    expect([cursor, refused.status, refused.body.error?.code]).toEqual([cursor, 400, 'OPS_AGENT_INVALID_REQUEST']);
  }
  expect((await of('severity=WORST')).status).toBe(400);
  expect((await of('severity=LOW')).body).toEqual({ items: [], next_cursor: null });
});

test('a recommendation is decided once: of two at the same time one, and a repeat finds its own', async () => {
  const { items } = (await s.call('GET', `${base}/worklist/recommendations?limit=2`)).body;
  const [one, two] = items.map((i: any) => `${base}/worklist/recommendations/${i.recommendation_id}/acknowledge`);
  const raced = await Promise.all(
    Array.from({ length: 6 }, (_, i) =>
      s.call('POST', one, { action: i % 2 ? 'REJECTED' : 'ACKNOWLEDGED', comment: `by ${i}` }),
    ),
  );
  expect(raced.map((a) => a.status).sort()).toEqual([200, 409, 409, 409, 409, 409]);
  const won = raced.find((a) => a.status === 200);
  expect(raced.find((a) => a.status === 409)?.body.error.code).toBe('OPS_AGENT_CONFLICT');
  const it = await detail(items[0].investigation_id);
  expect(it.recommendations[0]).toMatchObject({ status: won?.body.status, comment: won?.body.comment });
  const { rows } = await s.owner.query(`select kind from log where subject_id = $1`, [items[0].recommendation_id]);
  expect(rows).toHaveLength(1);

  const key = { 'idempotency-key': v7() };
  const decided = await s.call('POST', two, { action: 'ACKNOWLEDGED', comment: 'Reviewed and actioned' }, key);
  // As when the answer was lost with its process: the key is forgotten, what it made is not.
  await s.owner.query('delete from idempotency_keys');
  const again = await s.call('POST', two, { action: 'ACKNOWLEDGED', comment: 'Reviewed and actioned' }, key);
  expect([again.status, again.body]).toEqual([200, decided.body]);
  expect((await s.call('POST', two, { action: 'OPEN' })).status).toBe(400);
});

test('a ticket is investigated as well: by who may read it, and one subject at a time', async () => {
  const known = {
    title: 'Logins fail after a deploy',
    body: 'Logins fail when the deploy lacks the new key: roll back.',
  };
  expect((await s.call('POST', '/api/knowledge', known)).status).toBe(200);
  const ticket = (await s.call('POST', '/api/tickets', { title: 'Logins fail since the deploy', auto_assign: false }))
    .body;
  const ask = (body: object, by = s.token) => s.as(by)('POST', `${base}/investigations/run`, body);
  const started = await ask({ ticket_id: ticket.id });
  expect([started.status, started.body]).toMatchObject([202, { ticket_id: ticket.id, transaction_id: null }]);
  const it = await ended(started.body.investigation_id);
  expect(it).toMatchObject({ status: 'COMPLETED', ticket_id: ticket.id, error: null });
  expect(it.tool_executions.length).toBeGreaterThan(2);
  expect(it.claims).not.toHaveLength(0);
  const blocks = it.evidence.map((e: any) => e.evidence_id);
  for (const { evidence_ids: ids } of it.claims)
    expect([ids.length > 0, blocks]).toEqual([true, expect.arrayContaining(ids)]);
  const page = await s.call('GET', `${base}/investigations/${it.investigation_id}/trace`);
  expect([page.status, page.text]).toEqual([200, expect.stringContaining('knowledge.search')]);

  expect(await ask({ ticket_id: ticket.id, transaction_id: large.transaction_id })).toMatchObject({
    status: 400,
    body: { error: { message: 'transaction_id: and ticket_id: only one of them' } },
  });
  expect(await ask({})).toMatchObject({
    status: 400,
    body: { error: { message: 'transaction_id: is required, or ticket_id in its place' } },
  });
  expect(await ask({ ticket_id: ticket.id }, (await s.tenant()).token)).toMatchObject({ status: 404 });
  const key = await s.call('POST', '/api-keys', { name: 'runs only', scopes: ['ops_agent:run', 'ops_agent:read'] });
  expect(await ask({ ticket_id: ticket.id }, key.body.data.api_key)).toMatchObject({ status: 403 });
});

test('what is completed is not resumed', async () => {
  const { items } = (await s.call('GET', `${base}/investigations?status=COMPLETED&limit=1`)).body;
  const refused = await s.call('POST', `${base}/investigations/${items[0].investigation_id}/resume`);
  expect([refused.status, refused.body.error.code]).toEqual([409, 'OPS_AGENT_CONFLICT']);
});

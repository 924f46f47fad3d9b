import { startServer, until, type Answer, type Server } from '../harness';

let s: Server;
// Only what a run's end brings about: the Schedule's turn is test/workflows/alerts.
beforeAll(async () => void (s = await startServer({ ALERT_SECONDS: '86400' })));
afterAll(() => s.close());

const base = '/functions/v1/api/v1/agent-ops';
const makeRule = (body: object): Promise<Answer> => s.call('POST', `${base}/alert-rules`, body);
const report = (body: object): Promise<Answer> => s.call('POST', `${base}/runs`, body);
const alertsOf = async (agent: string, query = '') =>
  (await s.call('GET', `${base}/alerts?agent_name=${agent}${query}`)).body.data as Record<string, any>[];
const ago = (ms: number): string => new Date(Date.now() - ms).toISOString();
/** Everything that the log holds by now has been looked at. */
const evaluated = async (): Promise<void> => {
  const { rows } = await s.owner.query<{ seq: number }>('select max(seq) as seq from log where tenant_id = $1', [
    s.tenantId,
  ]);
  await until(async () => {
    const at = await s.owner.query(`select from cursors where tenant_id = $1 and reader = 'alerts' and seq >= $2`, [
      s.tenantId,
      rows[0]?.seq,
    ]);
    return at.rowCount === 1;
  }, 'the evaluation');
};
const registered = (name: string, status = 'ACTIVE', createdAt = new Date().toISOString()) =>
  s.owner.query(
    `insert into agents (id, tenant_id, name, harness, runtime, status, created_at) values (gen_random_uuid(), $1, $2, 'external', 'external', $3, $4)`,
    [s.tenantId, name, status, createdAt],
  );
const openOf = async (agent: string) => (await alertsOf(agent)).filter((a) => a['ended_at'] === null);

test('a rule is made under either name of its type, shown in the list, and only a webhook has a secret, once', async () => {
  const made = await makeRule({
    type: 'error_rate',
    threshold: { max_error_rate: 0.25 },
    agent_name: 'nobody',
    notify_channel: 'log',
  });
  expect([made.status, made.body.data]).toEqual([
    201,
    {
      id: expect.any(String),
      rule_type: 'error_rate',
      threshold: { max_error_rate: 0.25 },
      agent_name: 'nobody',
      notify_channel: 'log',
      enabled: true,
      created_at: expect.any(String),
    },
  ]);
  const hook = {
    rule_type: 'no_run_since',
    threshold: { max_gap_minutes: 5 },
    agent_name: 'x',
    notify_channel: 'https://example.com/hook',
    enabled: false,
  };
  const first = await s.call('POST', `${base}/alert-rules`, hook, { 'idempotency-key': 'hook' });
  expect(first.body.data.signing_secret).toMatch(/^whsec_[A-Za-z0-9+/=]{32}$/);
  expect((await s.call('POST', `${base}/alert-rules`, hook, { 'idempotency-key': 'hook' })).body).toEqual(first.body);
  const listed = await s.call('GET', '/api/v1/agent-ops/alert-rules?limit=1');
  const { signing_secret: secret, ...shown } = first.body.data;
  expect(listed.body).toEqual({ data: [shown], pagination: { has_more: true, next_cursor: expect.any(String) } });
  const { rows } = await s.owner.query('select secret_sealed from alert_rules where id = $1', [shown.id]);
  expect(rows[0].secret_sealed.includes(Buffer.from(String(secret)))).toBe(false);
  const entry = await s.owner.query('select body::text as body from log where subject_id = $1', [shown.id]);
  expect(entry.rows).toHaveLength(1);
  expect(entry.rows[0].body).not.toMatch(/example\.com|whsec/);
});

test('wrong rules name the field', async () => {
  const wrong: [object, string][] = [
    [{ threshold: { max_failures: 1 } }, 'type'],
    [{ type: 'error_rate', rule_type: 'no_run_since', threshold: { max_error_rate: 0.1 } }, 'rule_type'],
    [{ type: 'often', threshold: {} }, 'type'],
    [{ type: 'consecutive_failures', threshold: {} }, 'max_failures'],
    [{ type: 'consecutive_failures', threshold: { max_failures: 0 } }, 'max_failures'],
    [{ type: 'consecutive_failures', threshold: { max_failures: 1.5 } }, 'max_failures'],
    [{ type: 'consecutive_failures', threshold: { max_failures: 1, max_error_rate: 0.1 } }, 'max_error_rate'],
    [{ type: 'duration_exceeded', threshold: { max_duration_ms: -1 } }, 'max_duration_ms'],
    [{ type: 'no_run_since', threshold: { max_gap_minutes: 0 } }, 'max_gap_minutes'],
    [{ type: 'error_rate', threshold: { max_error_rate: 1 } }, 'max_error_rate'],
    [{ type: 'error_rate', threshold: { max_error_rate: 0.1, more: 1 } }, 'threshold'],
    [{ type: 'error_rate', threshold: { max_error_rate: 0.1 }, notify_channel: 'ftp://x' }, 'notify_channel'],
    [
      { type: 'error_rate', threshold: { max_error_rate: 0.1 }, notify_channel: 'https://a:b@x.test' },
      'notify_channel',
    ],
  ];
  for (const [body, field] of wrong) {
    const a = await makeRule(body);
    expect([body, a.status, a.body.error.message]).toEqual([body, 400, expect.stringContaining(field)]);
  }
});

test('failures in a row: at the limit, once an episode, and again after a success', async () => {
  await registered('row');
  const rule = (
    await makeRule({
      type: 'consecutive_failures',
      threshold: { max_failures: 3 },
      agent_name: 'row',
      notify_channel: 'log',
    })
  ).body.data;
  const ids: string[] = [];
  const fail = async (): Promise<void> =>
    void ids.unshift((await report({ agent_name: 'row', status: 'failed' })).body.data.id);
  await fail();
  await fail();
  await evaluated();
  expect(await alertsOf('row')).toEqual([]);
  await fail();
  await evaluated();
  const [fired] = await alertsOf('row');
  expect(fired).toMatchObject({
    rule_id: rule.id,
    rule_type: 'consecutive_failures',
    run_ids: ids,
    ended_at: null,
    acknowledged_at: null,
    message: 'row failed 3 times in a row; 3 are too many',
    notification: { status: 'delivered', attempts: 1, error: null, delivered_at: fired?.['fired_at'] },
  });
  await fail();
  await evaluated();
  expect(await alertsOf('row')).toHaveLength(1);
  await report({ agent_name: 'row', status: 'completed' });
  await evaluated();
  expect(await openOf('row')).toEqual([]);
  for (let i = 0; i < 3; i += 1) await fail();
  await evaluated();
  expect((await alertsOf('row')).map((a) => a['ended_at'] === null)).toEqual([true, false]);
  const { rows } = await s.owner.query(
    `select kind, body from log where kind like 'alert.%' and body->>'agent_name' = 'row' order by seq`,
  );
  expect(rows.map((r) => r.kind as string)).toEqual(['alert.fired', 'alert.ended', 'alert.fired']);
  expect(rows[0].body).toMatchObject({ run_ids: ids.slice(-3), measured: 3, threshold: 3, notify: 'log' });
});

test('who is not registered is watched under its name', async () => {
  await makeRule({ type: 'consecutive_failures', threshold: { max_failures: 2 }, agent_name: 'stray' });
  await report({ agent_name: 'stray', status: 'completed', completed_at: ago(9_000) });
  await report({ agent_name: 'stray', status: 'failed', completed_at: ago(8_000) });
  await evaluated();
  expect(await alertsOf('stray')).toEqual([]);
  await report({ agent_name: 'stray', status: 'failed' });
  await evaluated();
  expect(await alertsOf('stray')).toMatchObject([
    { notification: null, run_ids: [expect.any(String), expect.any(String)] },
  ]);
});

test('a run that took longer than the limit, not one that took as long; the next one ends it', async () => {
  await makeRule({ type: 'duration_exceeded', threshold: { max_duration_ms: 1000 }, agent_name: 'slow' });
  const took = (duration_ms: number) => report({ agent_name: 'slow', status: 'completed', duration_ms });
  await took(1000);
  await evaluated();
  expect(await alertsOf('slow')).toEqual([]);
  const run = await took(1001);
  await evaluated();
  expect(await alertsOf('slow')).toMatchObject([{ run_ids: [run.body.data.id], ended_at: null }]);
  await took(999);
  await evaluated();
  expect(await openOf('slow')).toEqual([]);
});

test('a rate of errors beyond the limit, of five runs at least and twenty at most', async () => {
  await makeRule({ type: 'error_rate', threshold: { max_error_rate: 0.5 }, agent_name: 'shaky' });
  const end = async (...statuses: string[]): Promise<void> => {
    for (const status of statuses) expect((await report({ agent_name: 'shaky', status })).status).toBe(201);
    await evaluated();
  };
  await end('failed', 'failed', 'failed', 'completed');
  expect(await alertsOf('shaky')).toEqual([]);
  await end('completed'); // 3 of 5
  expect(await alertsOf('shaky')).toMatchObject([{ message: expect.stringContaining('60 %'), run_ids: { length: 3 } }]);
  await end('completed'); // 3 of 6 is the limit itself
  expect(await openOf('shaky')).toEqual([]);
  await end(...Array<string>(17).fill('completed'), ...Array<string>(10).fill('failed')); // 10 of the last 20
  expect(await openOf('shaky')).toEqual([]);
  await end('failed'); // 11 of the last 20
  expect(await openOf('shaky')).toMatchObject([{ run_ids: { length: 11 } }]);
});

test('acknowledged once, whoever is first of many; who and when stays, and the others hear it', async () => {
  await makeRule({ type: 'consecutive_failures', threshold: { max_failures: 1 }, agent_name: 'ack' });
  await report({ agent_name: 'ack', status: 'failed' });
  await evaluated();
  const [alert] = await alertsOf('ack');
  const path = `${base}/alerts/${String(alert?.['id'])}/acknowledge`;
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, i) => s.call('POST', path, { acknowledged_by: `p${i}` })),
  );
  expect(new Set(answers.map((a) => a.status))).toEqual(new Set([200]));
  expect(new Set(answers.map((a) => a.text)).size).toBe(1);
  expect(answers[0]?.body.data).toMatchObject({
    acknowledged_by: expect.stringMatching(/^p\d$/),
    acknowledged_actor: { kind: 'user' },
  });
  const { rowCount } = await s.owner.query(`select from log where kind = 'alert.acknowledged' and subject_id = $1`, [
    alert?.['id'],
  ]);
  expect(rowCount).toBe(1);
  expect(await alertsOf('ack', '&unacknowledged=true')).toEqual([]);
  expect(await alertsOf('ack', '&unacknowledged=false')).toHaveLength(1);
  expect(await openOf('ack')).toHaveLength(1); // seen is not over
});

test("no tenant's rule looks at another's agents, nor sees their alerts", async () => {
  const other = await s.tenant();
  const call = s.as(other.token);
  await call('POST', `${base}/alert-rules`, {
    type: 'consecutive_failures',
    threshold: { max_failures: 1 },
    agent_name: 'ours',
  });
  await report({ agent_name: 'ours', status: 'failed' });
  await evaluated();
  await call('POST', `${base}/runs`, { agent_name: 'theirs', status: 'failed' });
  expect((await call('GET', `${base}/alerts`)).body.data).toEqual([]);
  await call('POST', `${base}/runs`, { agent_name: 'ours', status: 'failed' });
  const [theirs] = await until(async () => {
    const { data } = (await call('GET', `${base}/alerts`)).body;
    return data.length > 0 && data;
  }, 'their alert');
  expect((await s.call('POST', `${base}/alerts/${theirs.id as string}/acknowledge`, {})).status).toBe(404);
  expect(await alertsOf('ours')).toEqual([]);
});

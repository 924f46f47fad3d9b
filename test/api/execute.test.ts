import { randomUUID } from 'node:crypto';
import { startApi } from '../../api/main';
import { caller, startServer, until, type Answer, type Server } from '../harness';

let s: Server;
beforeAll(async () => void (s = await startServer()));
afterAll(() => s.close());

/** A fresh agent that may call these tools, by the table that the door writes. */
async function agentWith(...tools: string[]): Promise<string> {
  const id = randomUUID();
  await s.owner.query(
    `insert into agents (id, tenant_id, name, harness, runtime) values ($1, $2, $3, 'external', 'external')`,
    [id, s.tenantId, `a-${id}`],
  );
  for (const tool of tools) await grant(id, tool, 'ALLOW');
  return id;
}
const grant = (agent: string, tool: string, effect: string, expires: string | null = null) =>
  s.owner.query(
    `insert into agent_grants (id, tenant_id, agent_id, tool, effect, expires_at) values (gen_random_uuid(), $1, $2, $3, $4, $5)`,
    [s.tenantId, agent, tool, effect, expires],
  );
const execute = (agent: string, body: unknown, headers: Record<string, string> = {}) =>
  s.call('POST', '/execute', body, { 'x-agent-id': agent, ...headers });
const rowOf = async (a: Answer) =>
  (await s.call('GET', `/audit/logs?limit=1000`)).body.data.items.find(
    (r: { id: string }) => r.id === a.body.data.audit_id,
  );
const changeIs = async (id: number, status: string) =>
  until(async () => (await s.call('GET', `/api/changes/${id}`)).body.status === status, `change ${id} ${status}`);

test('a tool that nobody serves is decided on; recorded in ledger, log and receipt; there is no result', async () => {
  const agent = await agentWith('web_search');
  const answer = await execute(
    agent,
    { tool: 'web_search', arguments: { query: 'weather in Berlin' } },
    { 'x-request-id': 'req-1' },
  );
  expect([answer.status, answer.body]).toEqual([
    200,
    {
      success: true,
      error: null,
      data: {
        action: 'allow', risk: expect.any(Number), risk_score: expect.any(Number), confidence: expect.any(Number), findings: [], reasons: [],
        signals: { inference: expect.any(Number), behavior: expect.any(Number), anomaly: expect.any(Number) }, tool: 'web_search', agent_id: agent, tenant_id: s.tenantId, request_id: 'req-1',
        audit_id: expect.any(String), execution_id: answer.body.data.audit_id,
        executed_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/), result: null,
      },
      meta: { request_id: 'req-1', duration_ms: expect.any(Number), stages: expect.any(Array) },
    },
  ]); // prettier-ignore
  expect(answer.body.meta.stages.map((x: { stage: string }) => x.stage)).toEqual([
    'kill_switch', 'auth', 'rate_limit', 'inference_proxy', 'policy', 'behavior', 'decision', 'autonomy', 'execution', 'output_filter',
  ]); // prettier-ignore
  expect(await rowOf(answer)).toMatchObject({
    action: 'execute_tool', agent_id: agent, tool: 'web_search', decision: 'allow', request_id: 'req-1',
    metadata_json: { policy_id: 'wheelhouse.tools', policy_version: expect.any(String), inherent_risk: expect.any(Number) },
  }); // prettier-ignore
  for (const id of [answer.body.data.audit_id, 'req-1']) {
    const { body } = await s.call('GET', `/receipts/${id}`);
    expect(body.data.receipt.execution_id).toBe(answer.body.data.audit_id);
  }
  const again = await execute(
    agent,
    { tool: 'web_search', arguments: { query: 'weather in Berlin' } },
    { 'x-request-id': 'req-1' },
  );
  expect(again.body.data.audit_id).toBe(answer.body.data.audit_id);
  const other = await execute(
    agent,
    { tool: 'web_search', arguments: { query: 'weather in Rome' } },
    { 'x-request-id': 'req-1' },
  );
  expect([other.status, other.body.error]).toEqual([400, 'X-Request-ID was used for another call']);
});

test('every form that clients send means the same call', async () => {
  const agent = await agentWith('web_search');
  const q = { query: 'weather' };
  const forms: [path: string, body: unknown, headers?: Record<string, string>][] = [
    ['/execute', { tool: 'web_search', payload: q }, { 'x-acp-tool': 'web_search' }],
    ['/execute', { payload: q }, { 'x-acp-tool': 'web_search' }],
    ['/execute', { tool_name: 'web_search', parameters: q }],
    ['/execute', { tool: 'web_search', input: 'weather' }],
    ['/execute', { tool: 'web_search' }],
    ['/execute/web_search', { arguments: q }],
  ];
  for (const [path, body, headers] of forms) {
    const a = await s.call('POST', path, body, { 'x-agent-id': agent, ...headers });
    expect([path, a.status, a.body.data?.tool, a.body.data?.agent_id]).toEqual([path, 200, 'web_search', agent]);
  }
  const inBody = await s.call('POST', '/execute', { agent_id: agent, tool: 'web_search', arguments: q });
  expect(inBody.status).toBe(200);
  const text = await execute(
    agent,
    { tool: 'web_search', input: "weather'; DROP TABLE users; --" },
    { 'x-acp-tool': 'web_search' },
  );
  expect(
    (await s.owner.query('select args from executions where id = $1', [text.body.data.audit_id])).rows[0].args,
  ).toEqual({
    input: "weather'; DROP TABLE users; --",
  });
});

test('what cannot be a call is refused, with the part that was wrong', async () => {
  const agent = await agentWith('web_search');
  const other = await agentWith('web_search');
  const own = (await s.call('POST', '/api-keys', { name: 'own', agent_id: agent })).body.data.api_key as string;
  const cases: [answer: Promise<Answer>, status: number, error: string | RegExp][] = [
    [s.call('POST', '/execute', { tool: 'web_search' }), 400, 'X-Agent-ID header required'],
    [execute('nobody', { tool: 'web_search' }), 400, 'X-Agent-ID: not a uuid'],
    [execute(agent, {}), 400, /^Tool name is required/],
    [execute(agent, { tool: 7 }), 422, 'Validation failed'],
    [execute(agent, { tool: 'web_search', payload: [1] }), 422, 'Validation failed'],
    [execute(agent, { tool: 'web_search', payload: {}, input: 'x' }), 422, 'Validation failed'],
    [execute(agent, { tool: 'web_search' }, { 'x-aegis-approval-id': 'yes' }), 400, /^X-Aegis-Approval-ID/],
    [execute(agent, { tool: 'web_search' }, { 'x-aegis-approval-id': randomUUID() }), 404, /^no change/],
    [s.as(own)('POST', '/execute', { tool: 'web_search' }), 400, 'X-Agent-ID header required'],
    [
      s.as(own)('POST', '/execute', { tool: 'web_search' }, { 'x-agent-id': other }),
      403,
      'this credential is another agent’s',
    ],
    [execute(randomUUID(), { tool: 'web_search' }), 403, 'policy_denied'],
  ];
  for (const [asked, status, error] of cases) {
    const a = await asked;
    expect([a.status, a.body.error]).toEqual([
      status,
      typeof error === 'string' ? error : expect.stringMatching(error),
    ]);
  }
  expect((await s.as(own)('POST', '/execute', { tool: 'web_search' }, { 'x-agent-id': agent })).status).toBe(200);
  const developer = await s.user('DEVELOPER');
  const asDeveloper = await s.as(developer.token)('POST', '/execute', { tool: 'web_search' }, { 'x-agent-id': agent });
  expect([asDeveloper.status, asDeveloper.body.error]).toEqual([
    403,
    'Write operations require OWNER, ADMIN, or SECURITY_ANALYST role',
  ]);
  const security = await s.user('SECURITY_ANALYST');
  const bySecurity = await s.as(security.token)('POST', '/execute', { tool: 'web_search' }, { 'x-agent-id': agent });
  expect(bySecurity.status).toBe(200);
  // An agent's key names no other agent anywhere, and its role is no person's.
  const elsewhere = await s.as(own)('GET', `/agents/${agent}`, undefined, { 'x-agent-id': other });
  expect([elsewhere.status, elsewhere.body.error]).toEqual([403, 'this credential is another agent’s']);
  expect((await s.as(own)('GET', `/agents/${agent}`, undefined, { 'x-agent-id': agent.toUpperCase() })).status).toBe(
    200,
  );
  const named = { name: 'own', agent_id: agent, role: 'DEVELOPER' };
  const asAgent = (await s.call('POST', '/api-keys', named)).body.data.api_key as string;
  expect((await s.as(asAgent)('POST', '/execute', { tool: 'web_search' }, { 'x-agent-id': agent })).status).toBe(200);
  const reader = await s.user('READ_ONLY');
  expect((await s.as(reader.token)('POST', '/execute', { tool: 'web_search' }, { 'x-agent-id': agent })).status).toBe(
    403,
  );
});

test('grants count at once: none, allowed, denied over it, all of them, one that is over', async () => {
  const agent = await agentWith();
  const call = () => execute(agent, { tool: 'list_files', arguments: { path: 'docs' } });
  const none = await call();
  expect([none.status, none.body.error, none.body.reason, none.body.findings]).toEqual([
    403, 'policy_denied', 'tool_not_granted', ['policy_deny'],
  ]); // prettier-ignore
  expect(none.body).toMatchObject({
    data: { action: 'deny', rule_id: 'tool_not_granted', audit_id: expect.any(String) },
    explanation: expect.stringContaining('no allow permission found for tool'), policy_id: 'wheelhouse.tools',
    security: { tier: expect.any(String) }, meta: { code: 'policy_denied', request_id: expect.any(String) },
  }); // prettier-ignore
  expect(none.body.data.risk).toBeGreaterThanOrEqual(0.7);
  await grant(agent, '*', 'ALLOW');
  expect((await call()).status).toBe(200);
  await grant(agent, 'list_files', 'DENY');
  expect((await call()).body.reason).toBe('tool_denied');
  await s.owner.query(`delete from agent_grants where agent_id = $1`, [agent]);
  await grant(agent, 'list_files', 'ALLOW', '2020-01-01T00:00:00Z');
  expect((await call()).body.reason).toBe('tool_not_granted');
});

test('a built-in tool is carried out; arguments that do not fit its schema are 422 with the field, and in the log', async () => {
  const agent = await agentWith('knowledge.search');
  const found = await execute(agent, { tool: 'knowledge.search', arguments: { query: 'disk full' } });
  expect([found.status, found.body.data.action]).toEqual([200, 'allow']);
  expect(found.body.data.result).not.toBeNull();
  const wrong = await execute(agent, { tool: 'knowledge.search', arguments: { query: 7 } });
  expect([wrong.status, wrong.body.meta.details[0].loc]).toEqual([422, ['body', 'arguments', 'query']]);
  expect(await rowOf(wrong)).toMatchObject({ decision: 'deny', reason: 'invalid_arguments' });
});

test('arguments that are longer than what is screened are 413, whatever else is found in them', async () => {
  const agent = await agentWith('query_database');
  const long = (query: string) => execute(agent, { tool: 'query_database', arguments: { query } });
  for (const start of ['', 'DROP TABLE users; ']) {
    const a = await long(`${start}${'x '.repeat(2_600)}`);
    expect([a.status, a.body.meta.code, a.body.findings]).toEqual([
      413,
      'too_large',
      expect.arrayContaining(['oversized_input']),
    ]);
    expect(await rowOf(a)).toMatchObject({ decision: 'deny' });
  }
  expect((await long('DROP TABLE users;')).status).toBe(403);
});

test('a key repeats the first answer for a minute, refusals too; another body, agent or tool is 400', async () => {
  const agent = await agentWith('web_search');
  const other = await agentWith('web_search');
  const count = async () => Number((await s.owner.query('select count(*) from executions')).rows[0].count);
  for (const name of ['x-idempotency-key', 'idempotency-key']) {
    const key = { [name]: randomUUID() };
    for (const tool of ['web_search', 'send_email']) {
      const keyed = { [name]: `${key[name]}${tool}` };
      const before = await count();
      const first = await execute(agent, { tool, payload: { query: 'x' } }, keyed);
      const second = await execute(agent, { tool, payload: { query: 'x' } }, keyed);
      expect([second.status, second.body, second.headers.get('x-idempotency-hit')]).toEqual([
        first.status,
        first.body,
        'true',
      ]);
      expect(await count()).toBe(before + 1);
      expect((await execute(agent, { tool, payload: { query: 'y' } }, keyed)).status).toBe(400);
      expect((await execute(other, { tool, payload: { query: 'x' } }, keyed)).status).toBe(400);
      await s.owner.query(`update idempotency_keys set expires_at = now() - interval '1 second'`);
      expect((await execute(agent, { tool, payload: { query: 'y' } }, keyed)).body.data.audit_id).not.toBe(
        first.body.data.audit_id,
      );
    }
  }
});

test('an escalation opens one gate; what was approved runs once, and nothing else does', async () => {
  const agent = await agentWith('k8s.apply');
  const args = { command: 'kubectl delete deployment web -n staging' };
  const call = (a: unknown = args, headers = {}) => execute(agent, { tool: 'k8s.apply', arguments: a }, headers);
  const asked = await call();
  expect([asked.status, asked.body.error, asked.body.data.action, asked.body.meta.category]).toEqual([
    403, 'approval_required', 'escalate', 'escalation',
  ]); // prettier-ignore
  const { approval_id: approval, change_id: change } = asked.body.data;
  expect((await call()).body.data.approval_id).toBe(approval);
  expect((await s.call('GET', `/api/changes/${change}`)).body).toMatchObject({
    status: 'pending',
    action: 'k8s.apply',
  });
  const by = { 'x-aegis-approval-id': approval as string };
  expect((await call(args, by)).body).toMatchObject({ error: 'approval_required' }); // not approved yet
  expect((await s.call('POST', `/api/changes/${change}/approve`, {})).status).toBe(200);
  const changed = await call({ command: 'kubectl delete deployment db -n staging' }, by);
  expect([changed.status, changed.body.error]).toEqual([403, 'approval_required']);
  expect(changed.body.data.approval_id).not.toBe(approval);
  const both = await Promise.all([call(args, by), call(args, { 'x-aegis-approval-id': String(change) })]);
  expect(both.map((a) => a.status).sort()).toEqual([200, 403]);
  const ran = both.find((a) => a.status === 200) as Answer;
  expect(await rowOf(ran)).toMatchObject({ decision: 'allow_approved' });
  await changeIs(change as number, 'completed');
  expect((await call(args, by)).body.error).toBe('approval_required');
  // One that was approved too long ago.
  const late = await call();
  await s.call('POST', `/api/changes/${late.body.data.change_id}/approve`, {});
  await s.owner.query(`update gates set decided_at = now() - interval '301 seconds' where id = $1`, [
    late.body.data.approval_id,
  ]);
  expect((await call(args, { 'x-aegis-approval-id': late.body.data.approval_id })).body.error).toBe(
    'approval_required',
  );
});

test('what is not decided in time is not carried out, and recorded: 504', async () => {
  const agent = await agentWith('web_search');
  const slow = await startApi(s.config, {
    policies: (builtin) => ({
      version: builtin.version,
      evaluate(input) {
        const until = Date.now() + 1_600;
        while (Date.now() < until);
        return builtin.evaluate(input);
      },
    }),
  });
  const a = await caller(slow.url, s.token)('POST', '/execute', { tool: 'web_search' }, { 'x-agent-id': agent });
  await slow.close();
  expect([a.status, a.body.error, a.body.data.deadline_seconds]).toEqual([504, 'decision_timeout', 1.5]);
  expect(await rowOf(a)).toMatchObject({ decision: 'error', reason: 'decision_timeout' });
});

test('an agent that calls too often is told when it may again; one in quarantine why it may not', async () => {
  const agent = await agentWith('web_search');
  await s.owner.query(
    `insert into rate_limits (key, points, expire) values ($1, 3000, (extract(epoch from now()) * 1000 + 30000)::bigint)`,
    [`call:${s.tenantId}:${agent}`],
  );
  const a = await execute(agent, { tool: 'web_search' });
  expect([a.status, a.body.error, a.body.limit_type, a.body.data.action]).toEqual([
    429,
    'rate_limited',
    'tenant_rps',
    'throttle',
  ]);
  expect(Number(a.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  const held = await agentWith('web_search');
  await s.owner.query(
    `update agents set restriction = 'QUARANTINED', restricted_because = 'it ran wild' where id = $1`,
    [held],
  );
  expect((await execute(held, { tool: 'web_search' })).body.error).toBe('agent_quarantined: it ran wild');
});

test('an agent that is refused too often is kept from everything for a day, of its own accord, until people release it', async () => {
  const agent = await agentWith('web_search');
  const stands = async () => (await s.call('GET', `/agents/${agent}`)).body.data;
  const logged = async (kind: string) =>
    (
      await s.owner.query('select at, body, reason from log where kind = $1 and agent_id = $2 order by seq', [
        kind,
        agent,
      ])
    ).rows;
  /** As the ledger has them: so many calls at once would be late on a slow machine, which is no refusal. */
  const refusedBefore = (n: number) =>
    s.owner.query(
      `insert into executions (id, tenant_id, owner_id, step, agent_id, tool, args, args_digest, decision, risk, stages, started_at, duration_ms)
       select gen_random_uuid(), $1, gen_random_uuid(), 0, $2, 'send_email', '{}', '', 'deny', 0, '[]', now() - i * interval '10 milliseconds', 1
       from generate_series(1, $3::int) i`,
      [s.tenantId, agent, n],
    );
  const refused = () => execute(agent, { tool: 'send_email', arguments: { to: 'a@b.c' } });
  await refusedBefore(49);
  expect((await refused()).body.error).toBe('policy_denied'); // the fiftieth
  expect((await execute(agent, { tool: 'web_search' })).status).toBe(200);
  expect((await refused()).body.error).toBe('policy_denied');
  const next = await execute(agent, { tool: 'send_email' }); // at once, whether or not a worker has seen it
  expect(next.body.error).toBe('agent_quarantined: 51 refused calls of send_email in 5 minutes');
  await until(async () => (await stands()).status === 'QUARANTINED', 'the quarantine');
  expect((await execute(agent, { tool: 'web_search' })).body.error).toMatch(/^agent_quarantined: 51 refused/);
  const [entry] = await logged('agent.quarantined');
  expect(entry).toMatchObject({ reason: '51 refused calls of send_email in 5 minutes', body: { refusals: 51 } });
  const { restricted_until: over } = await stands();
  const hours = (Date.parse(over as string) - entry.at.getTime()) / 3_600_000;
  expect([hours > 23, hours <= 24]).toEqual([true, true]);
  // Released by people, it begins anew: what was refused before does not count.
  expect((await s.call('PATCH', `/agents/${agent}`, { status: 'ACTIVE' })).body.data).toMatchObject({
    restricted_until: null,
  });
  expect((await execute(agent, { tool: 'web_search' })).status).toBe(200);
  const dump = { query: 'SELECT name, email, ssn FROM customers' };
  await grant(agent, 'query_database', 'DENY');
  for (let i = 0; i < 3; i += 1) {
    const a = await execute(agent, { tool: 'query_database', arguments: dump });
    expect([a.body.error, a.body.findings]).toEqual([
      'policy_denied',
      expect.arrayContaining(['bulk_pii_egress_dump']),
    ]);
  }
  expect((await execute(agent, { tool: 'web_search' })).body.error).toMatch(/^agent_quarantined: 3 calls/);
  await until(async () => (await stands()).status === 'QUARANTINED', 'the second quarantine');
  // Its own refusals do not make it longer, and it is over by the database's clock.
  const until2 = (await stands()).restricted_until;
  await refused();
  expect((await stands()).restricted_until).toBe(until2);
  await s.owner.query(`update agents set restricted_until = now() where id = $1`, [agent]);
  await until(async () => (await stands()).status === 'ACTIVE', 'the end of the quarantine');
  expect((await execute(agent, { tool: 'web_search' })).status).toBe(200);
  expect([(await logged('agent.quarantined')).length, (await logged('agent.quarantine_released')).length]).toEqual([
    2, 1,
  ]);
  const told = await fetch(`${s.url}/events/stream?agent_id=${agent}`, {
    headers: { authorization: `Bearer ${s.token}`, 'last-event-id': '0' },
  });
  let text = '';
  for await (const chunk of told.body as unknown as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString();
    if (text.includes('agent_quarantine_released') && text.includes(`"type":"agent_quarantined"`)) break;
  }
});

test('when the log cannot be written, nothing runs: 503', async () => {
  const agent = await agentWith('knowledge.search');
  await s.owner.query('revoke insert on log from wheelhouse_app');
  const a = await execute(agent, { tool: 'knowledge.search', arguments: { query: 'x' } });
  await s.owner.query('grant insert on log to wheelhouse_app');
  expect([a.status, a.headers.get('retry-after')]).toEqual([503, '2']);
  expect((await s.owner.query('select 1 from executions where agent_id = $1', [agent])).rowCount).toBe(0);
});

test('of a tenant that is suspended nothing passes', async () => {
  const agent = await agentWith('web_search');
  const stands = (status: string) =>
    s.owner.query('update tenants set status = $2 where id = $1', [s.tenantId, status]);
  await stands('suspended');
  const held = await execute(agent, { tool: 'web_search' });
  await stands('active');
  expect([held.status, held.body.error, held.body.reason]).toEqual([403, 'policy_denied', 'tenant_suspended']);
  expect((await execute(agent, { tool: 'web_search' })).status).toBe(200);
});

test('a kill switch that is engaged comes before everything else', async () => {
  const agent = await agentWith('web_search');
  await s.call('POST', `/decision/kill-switch/${s.tenantId}`, { reason: 'drill' });
  const a = await execute(agent, { tool: 'nothing', arguments: {} });
  await s.call('DELETE', `/decision/kill-switch/${s.tenantId}`);
  expect([a.status, a.body.error, a.body.data.reason]).toEqual([403, 'kill_switch_engaged', 'drill']);
  expect(await rowOf(a)).toMatchObject({ decision: 'kill' });
});

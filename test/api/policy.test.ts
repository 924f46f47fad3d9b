import { v5 } from 'uuid';
import { join } from 'node:path';
import { root } from '../../config';
import { sharedPoints } from '../../db/rate-limits';
import { appPool } from '../../db/pool';
import { diskFiles } from '../../log/files-disk';
import { loadKeyring } from '../../log/keys';
import { createStore } from '../../log/store';
import { loadPolicies } from '../../pipeline/policy';
import { createEvaluator, type Evaluator } from '../../pipeline/rego/evaluator';
import { tenantPolicies } from '../../pipeline/rego/tenants';
import { createWorkshop } from '../../pipeline/rego/workshop';
import { createPipeline, type Pipeline } from '../../pipeline/run';
import { combine, screenCall } from '../../pipeline/screening';
import { tool } from '../../pipeline/call';
import { RateLimited } from '../../domain/errors';
import { agentScopes } from '../../domain/scopes';
import { v7 } from 'uuid';
import { z } from 'zod';
import type { Pool } from 'pg';
import { startServer, type Server } from '../harness';

let server: Server;
let pool: Pool;
let pipeline: Pipeline;
let evaluator: Evaluator;
const errors: Error[] = [];
let agentId: string;

beforeAll(async () => {
  server = await startServer({}, { worker: false });
  const { databaseUrl, masterKey, dataDir } = server.config;
  if (!databaseUrl || !masterKey) throw new Error('the server has no database');
  pool = appPool(databaseUrl, 4, (e) => errors.push(e));
  const store = createStore(pool, await loadKeyring(pool, masterKey));
  evaluator = createEvaluator(join(root, 'dist/pipeline/rego/thread.js'), (e) => errors.push(e));
  agentId = v5('agent:analyst', server.tenantId);
  const shell = tool({
    name: 'shell.run', description: 'runs', effect: 'write', scope: 'tickets:note', content: 'prose',
    args: z.strictObject({ text: z.string() }), target: () => 'here', run: () => Promise.resolve({ ran: true }),
  }); // prettier-ignore
  pipeline = createPipeline({
    store, files: diskFiles(dataDir), masterKey, tools: [shell],
    policies: await loadPolicies(join(root, 'policy/compiled'), (e) => errors.push(e)),
    own: tenantPolicies(store, evaluator), screen: screenCall, decide: combine, limiter: sharedPoints(pool, 'test', 10_000),
  }); // prettier-ignore
  await server.owner.query(
    `insert into agent_grants (id, tenant_id, agent_id, tool, effect) values ($1, $2, $3, 'shell.run', 'ALLOW')`,
    [v7(), server.tenantId, agentId],
  );
});
afterAll(async () => {
  await evaluator.close();
  await pool.end();
  await server.close();
});

/** A step of a run of its own. */
const execute = (text: string, gateId: string | null = null) =>
  pipeline.execute(
    {
      tenantId: server.tenantId, actor: { id: agentId, kind: 'agent', name: 'analyst' }, scopes: agentScopes, agentId,
      owner: { kind: 'investigation', id: v7(), step: 0 }, ticketId: null, tool: 'shell.run', args: { text }, why: null, gateId,
    },
    { signal: new AbortController().signal },
  ); // prettier-ignore

const refusing = (word: string): string => `package acp.v1.agent
import rego.v1

default main := {"allow": true, "reason": "fine"}

main := {"allow": false, "reason": "no_${word}", "policy_id": "SEC-${word}", "explanation": "not ${word}"} if {
  input.tool == "shell.run"
  contains(input.metadata.arguments.raw_norm, "${word}")
}
`;
const upload = (name: string, rego: string, more: Record<string, unknown> = {}) =>
  server.call('POST', '/policy/upload', { name, rego, ...more });

test('a policy is uploaded with its tests, enforced from the next call on, taken back to, and taken out', async () => {
  expect(await execute('reboot')).toMatchObject({ decision: 'allow' });
  const tests = `package acp.v1.agent_test
import rego.v1
import data.acp.v1.agent
test_refuses if not agent.main.allow with input as {"tool": "shell.run", "metadata": {"arguments": {"raw_norm": "reboot"}}}
`;
  const first = await upload('guard', refusing('reboot'), { tests });
  expect([first.status, first.body]).toEqual([
    201,
    {
      success: true,
      data: {
        status: 'saved', name: 'guard', version: 1, reload_hint: expect.any(String), active: true,
        digest: expect.stringMatching(/^[0-9a-f]{64}$/), tests_passed: 1,
      },
      error: null,
      meta: null,
    },
  ]); // prettier-ignore
  expect(await execute('REBOOT now')).toMatchObject({
    decision: 'deny',
    reasons: [{ code: 'no_reboot', message: 'not reboot' }],
  });
  expect((await upload('guard', refusing('halt'))).body.data.version).toBe(2);
  expect(await execute('reboot')).toMatchObject({ decision: 'allow' });
  expect(await execute('halt')).toMatchObject({ decision: 'deny', reasons: [{ code: 'no_halt' }] });

  const back = await server.call('POST', '/policy/activate', { name: 'guard', version: 1 });
  expect(back.body.data).toEqual({
    name: 'guard',
    active_version: 1,
    previous_version: 2,
    policy_version: expect.any(String),
  });
  expect(await execute('reboot')).toMatchObject({ decision: 'deny' });
  const listed = (await server.call('GET', '/policy/versions?name=guard')).body.data;
  expect(listed.items.map((v: any) => [v.version, v.active, v.tests_passed])).toEqual([[2, false, 0], [1, true, 1]]); // prettier-ignore
  const text = (await server.call('GET', '/policy/versions?name=guard&version=1')).body.data.items[0];
  expect([text.rego, text.tests]).toEqual([refusing('reboot'), tests]);
  await server.call('POST', '/policy/activate', { name: 'guard', version: null });
  expect(await execute('reboot')).toMatchObject({ decision: 'allow' });
  const kinds = (await server.owner.query(`select kind from log where kind like 'policy.%' order by seq`)).rows;
  expect(kinds.map((k) => k.kind)).toEqual([
    'policy.uploaded', 'policy.activated', 'policy.uploaded', 'policy.activated', 'policy.activated', 'policy.deactivated',
  ]); // prettier-ignore
  expect((await server.call('POST', '/policy/activate', { name: 'guard', version: 9 })).status).toBe(404);
});

test('what the built-in policy refuses no own policy allows; of two own ones the stricter counts', async () => {
  await upload('generous', 'package p\nimport rego.v1\nallow := true\n');
  await upload(
    'strict',
    'package q\nimport rego.v1\nescalate contains {"id": "look", "msg": "look first"} if input.payload.text == "risky"\n',
  );
  await server.owner.query(`update agent_grants set effect = 'DENY' where tool = 'shell.run'`);
  expect(await execute('fine')).toMatchObject({ decision: 'deny', findings: ['policy_deny'] });
  await server.owner.query(`update agent_grants set effect = 'ALLOW' where tool = 'shell.run'`);
  expect(await execute('fine')).toMatchObject({ decision: 'allow' });
  expect(await execute('risky')).toMatchObject({
    decision: 'escalate',
    reasons: [{ code: 'look', message: 'look first' }],
  });
  for (const name of ['generous', 'strict']) await server.call('POST', '/policy/activate', { name, version: null });
});

test('of two activations at once that go past the limit, one is refused', async () => {
  const other = await server.tenant();
  const as = server.as(other.token);
  const put = (name: string, activate: boolean) =>
    as('POST', '/policy/upload', { name, rego: 'package p\nimport rego.v1\nallow := true\n', activate });
  for (const name of ['last_a', 'last_b', 'first']) expect((await put(name, false)).status).toBe(201);
  const { rows } = await server.owner.query(
    `insert into policy_versions (id, tenant_id, name, version, rego, entrypoints, wasm, digest, tested, uploaded_by)
     select gen_random_uuid(), tenant_id, 'n' || n, 1, rego, entrypoints, wasm, digest, tested, uploaded_by
     from policy_versions, generate_series(1, 19) n where tenant_id = $1 and name = 'first' returning id, name`,
    [other.tenantId],
  );
  for (const { id, name } of rows)
    await server.owner.query(
      `insert into active_policies (tenant_id, name, version_id, activated_by) select $1, $2, $3, uploaded_by from policy_versions where id = $3`,
      [other.tenantId, name, id],
    );
  const answers = await Promise.all(
    ['last_a', 'last_b'].map((name) => as('POST', '/policy/activate', { name, version: 1 })),
  );
  expect(answers.map((a) => a.status).sort()).toEqual([200, 409]);
});

test('an approval under one version is void under the next, and a tenant sees its own policies alone', async () => {
  const other = await server.tenant();
  await server.as(other.token)('POST', '/policy/upload', { name: 'guard', rego: refusing('everything') });
  expect((await server.as(other.token)('GET', '/policy/versions')).body.data.total).toBe(1);
  expect(await execute('everything')).toMatchObject({ decision: 'allow' });
  const call = {
    tenantId: server.tenantId, actor: { id: agentId, kind: 'agent' as const, name: 'a' }, scopes: agentScopes, agentId,
    owner: { kind: 'investigation' as const, id: v7(), step: 0 }, ticketId: null, tool: 'shell.run', args: { text: 'x' }, why: null, gateId: null,
  }; // prettier-ignore
  const before = (await pipeline.sealed(call)).digest;
  await upload('sealed', refusing('nothing'));
  const after = (await pipeline.sealed(call)).digest;
  expect(after).not.toBe(before);
  await upload('sealed', refusing('nothing'));
  expect((await pipeline.sealed(call)).digest).not.toBe(after);
  await server.call('POST', '/policy/activate', { name: 'sealed', version: null });
  expect((await pipeline.sealed(call)).digest).toBe(before);
});

const loop = `package p
import rego.v1
deny contains "late" if {
  some a in numbers.range(1, 2000)
  some b in numbers.range(1, 2000)
  some c in numbers.range(1, 2000)
  a + b + c == 100000 + count(input.tool)
}
`;
test.each([
  ['broken', 'package p\nallow := {', 'rego_parse_error', /line 2/],
  [
    'that names what is not there',
    'package p\nimport rego.v1\nallow if nowhere.to_be_found(1)',
    'rego_type_error',
    /undefined function/,
  ],
  [
    'that asks the network',
    'package p\nimport rego.v1\nallow if http.send({"url": "http://x", "method": "get"}).status == 200',
    'rego_type_error',
    /http.send/,
  ],
  [
    'that asks its host',
    'package p\nimport rego.v1\nallow if opa.runtime().env.HOME == ""',
    'rego_type_error',
    /opa.runtime/,
  ],
  [
    'with what WebAssembly has not',
    'package p\nimport rego.v1\nallow if io.jwt.decode(input.tool)[0] == {}',
    'builtin_unavailable',
    /io.jwt.decode/,
  ],
  ['that decides nothing', 'package p\nimport rego.v1\nsomething := 1', 'no_decision', /no rule/],
  [
    'that has no answer',
    'package p\nimport rego.v1\nmain := {"allow": true} if input.tool == "other"',
    'no_answer',
    /ordinary call/,
  ],
  ['that takes too long', loop, 'no_answer', /took longer|opa_malloc/],
])('Rego %s is refused with the compiler’s words, and nothing is kept', async (_, rego, type, words) => {
  const refused = await upload('refused', rego);
  expect([refused.status, refused.body.error]).toEqual([422, 'Validation failed']);
  const [detail] = refused.body.meta.details;
  expect(detail).toMatchObject({ type, loc: expect.arrayContaining(['body', 'rego']) });
  expect(detail.msg).toMatch(words);
  expect((await server.call('GET', '/policy/versions?name=refused')).body.data.total).toBe(0);
});

test('tests that fail, names that are none, and texts without end are refused', async () => {
  const tests = 'package p_test\nimport rego.v1\ntest_wrong if 1 == 2\n';
  const failing = await upload('t', 'package p\nimport rego.v1\nallow := true\n', { tests });
  expect(failing.body.meta.details).toEqual([
    { type: 'test_failed', loc: ['body', 'tests', 'test_wrong'], msg: 'test_wrong failed' },
  ]);
  for (const [name, rego] of [['a-b', 'package p'], ['', 'package p'], ['a'.repeat(65), 'package p'], ['big', 'x'.repeat(300_000)], ['none', '']]) {
    expect((await upload(String(name), String(rego))).status).toBe(422);
  } // prettier-ignore
  const reader = await server.user('READ_ONLY');
  expect((await server.as(reader.token)('POST', '/policy/upload', { name: 'a', rego: 'package a' })).status).toBe(403);
  expect((await server.as(reader.token)('GET', '/policy/versions')).status).toBe(200);
});

test('the draft form and Rego of before 1.0 are understood; a policy is tried on cases without being kept', async () => {
  const rego =
    'package aegis.decision\ndeny[r] { input.tool_name == "db.drop"; input.payload.rows > 5; r := {"id": "DB-1", "severity": "high"} }\n';
  const cases = [
    { tool_name: 'db.drop', parameters: { rows: 9 }, risk_score: 0.1, expected: 'deny' },
    { tool_name: 'db.drop', parameters: { rows: 1 }, risk_score: 0.1, expected: 'deny' },
  ];
  const tried = await server.call('POST', '/policy/test', { rego, test_cases: cases });
  expect([tried.status, tried.body.data]).toEqual([
    200,
    {
      results: [
        { input: cases[0], expected: 'deny', actual: 'deny', passed: true, risk_adjustment: 0, reason: 'DB-1' },
        { input: cases[1], expected: 'deny', actual: 'allow', passed: false, risk_adjustment: 0, reason: 'policy tested' },
      ],
      passed_count: 1, total: 2, all_passed: false, tests_passed: 0,
    },
  ]); // prettier-ignore
  const besides = await server.call('POST', '/policy/test', { rego, test_cases: cases, dry: true });
  expect([besides.status, besides.body.data]).toEqual([200, tried.body.data]);
});

test('the time machine lists every decision that would flip, and says first how much it could look at', async () => {
  await execute('reboot the host');
  await server.owner.query(`update executions set policy = null where args ->> 'text' = 'fine'`);
  const { rows } = await server.owner.query(
    `select count(*) as n, count(policy) as known, array_agg(id order by started_at desc) filter (where (policy ->> 'decision' = 'allow' and args ->> 'text' ilike '%reboot%') or args ->> 'text' in ('halt', 'risky')) as flips from executions where tenant_id = $1`,
    [server.tenantId],
  );
  const seen = await server.call('POST', '/policy/simulate', { policy_text: refusing('reboot'), window_hours: 24 });
  const { coverage, diff, ...rest } = seen.body.data;
  expect(coverage).toEqual({
    decisions: Number(rows[0].n), looked_at: Number(rows[0].n), replayed: Number(rows[0].known),
    without_input: Number(rows[0].n) - Number(rows[0].known), not_asked: 0, stopped: null,
  }); // prettier-ignore
  expect(diff.map((d: any) => d.event_id)).toEqual(rows[0].flips);
  expect(diff[0]).toMatchObject({
    tool: 'shell.run',
    old_decision: 'allow',
    new_decision: 'deny',
    reason: 'no_reboot',
  });
  expect(rest).toMatchObject({
    total_events: coverage.replayed,
    would_have_blocked: diff.filter((d: any) => d.new_decision === 'deny'),
  });

  const rules = [
    { conditions: [{ field: 'tool', operator: 'eq', value: 'shell.run' }], action: 'deny', description: 'no shell' },
  ];
  const ruled = (await server.call('POST', '/policy/simulate', { policy: rules, agent_id: agentId, time_range: '1h' }))
    .body.data;
  expect(ruled).toMatchObject({ total_events: Number(rows[0].n), would_deny: Number(rows[0].n), would_allow: 0 });
  const broken = await server.call('POST', '/policy/simulate', {
    policy_text: 'package p\nallow := {',
    window_hours: 1,
  });
  expect(broken.status).toBe(422);
  const nobody = { policy: rules, agent_id: v7(), time_range: '1h' };
  expect((await server.call('POST', '/policy/simulate', nobody)).status).toBe(404);
});

test('a tenant whose policies take their time, or say much, waits for itself: another’s call comes in between', async () => {
  const slow = `package s
import rego.v1
deny contains "late" if {
  some a in numbers.range(1, 50)
  some b in numbers.range(1, 50)
  a * b == 100000 + count(input.tool)
}
`;
  const chatty =
    'package c\nimport rego.v1\ndeny contains sprintf("%s %d", [input.tool, n]) if { startswith(input.tool, "x"); some n in numbers.range(1, 4000) }\ndeny contains input.tool if startswith(input.tool, "y")\n';
  const workshop = createWorkshop(root, (e) => errors.push(e));
  const [one, two, quick] = await Promise.all([
    workshop.make('slow', slow, null), workshop.make('much', chatty, null), workshop.make('quick', refusing('reboot'), null),
  ]); // prettier-ignore
  const order: string[] = [];
  const ask = (owner: string, { loaded }: typeof one, tool: string) =>
    workshop.evaluator.ask(owner, [loaded], [JSON.stringify({ tool })], 5_000).then((a) => (order.push(owner), a[0]));
  const [first, ...rest] = Array.from({ length: 6 }, () => ask('slow', one, 'x'));
  await first; // now its time is known, and five wait
  const [answer] = await Promise.all([ask('quick', quick, 'x'), ...rest]);
  expect(answer).toMatchObject({ results: [[{ result: { allow: true } }]] });
  expect(order.indexOf('quick')).toBeLessThanOrEqual(2); // behind what ran, and before the four others
  expect(await ask('much', two, 'x'.repeat(100))).toEqual({ error: 'its answer is too long' });
  // Fifty answers of 200 KB are no reply: what has no room in it is no failure of the policy.
  const inputs = Array.from({ length: 50 }, () => JSON.stringify({ tool: 'y'.repeat(200_000) }));
  const each = await workshop.evaluator.ask('much', [two.loaded], inputs, 100_000);
  expect(each[0]).toHaveProperty('results');
  expect(each.at(-1)).toEqual({ error: 'the reply has no room for its answer', unasked: true });
  const many = await Promise.allSettled(
    Array.from({ length: 12 }, () => workshop.make('many', 'package p\nallow := {', null)),
  );
  expect(many.filter((m) => m.status === 'rejected' && m.reason instanceof RateLimited)).not.toHaveLength(0);
  await workshop.close();
});

test('without opa nothing is uploaded, and what is enforced stays so', async () => {
  await expect(createWorkshop(join(root, 'docs'), (e) => errors.push(e)).make('t', 'package p', null)).rejects.toThrow(
    /policies cannot be compiled here/,
  );
});

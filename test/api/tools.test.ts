import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Harness } from '../../domain/harness';
import { startWorker, type RunningWorker } from '../../workers/main';
import { startServer, until, type Server } from '../harness';
import { stubMcp, type StubMcp } from '../stub-mcp';
import { lives } from '../until';

// Tool servers the whole way over HTTP: configured, looked at, called by a run through the pipeline, refused, approved, gone.

/** Makes the call that its prompt names, once, or proposes it; and says what became of it. */
const calling: Harness = {
  name: 'embedded',
  next(brief, observations) {
    const {
      tool,
      args = { host: 'web-1' },
      propose = false,
    } = JSON.parse(brief.prompt ?? '{}') as {
      tool: string;
      args?: Record<string, unknown>;
      propose?: boolean;
    };
    const done = observations.find((o) => o.tool === tool);
    if (done) return { kind: 'finish', summary: done.decision };
    if (propose) return { kind: 'propose', action: 'call_tool', target: tool, reason: 'it was asked for', tool, args };
    return { kind: 'call', tool, args, why: 'it was asked for' };
  },
};

let s: Server;
let stub: StubMcp;
let worker: RunningWorker;
let other: { tenantId: string; token: string };
let folder: string;
let desk: number;
const secret = 'Bearer of-the-desk-alone';

beforeAll(async () => {
  stub = await stubMcp();
  folder = mkdtempSync(join(tmpdir(), 'wheelhouse-tools-'));
  const file = join(folder, 'servers.json');
  writeFileSync(
    file,
    JSON.stringify({
      servers: { shelf: { ...stub.program, tenants: ['local'] }, gone: { command: '/no/such/program' } },
    }),
  );
  s = await startServer(
    { TOOL_SERVERS_ALLOW_PRIVATE: '1', TOOL_SERVERS: file, TOOL_CHECK_TIMEOUT_MS: '8000' },
    { worker: false },
  );
  other = await s.tenant();
  worker = await startWorker(s.config, { harnesses: [calling] });
  const made = await s.call('POST', '/api/tools', { name: 'desk', url: stub.url, headers: { Authorization: secret } });
  expect([made.status, made.body]).toEqual([200, { id: expect.any(Number), name: 'desk', status: 'created' }]);
  desk = made.body.id;
  await grant('desk.lookup', 'desk.restart', 'shelf.lookup');
});
afterAll(async () => {
  await worker.close();
  await s.close();
  await stub.close();
  rmSync(folder, { recursive: true });
});
afterEach(() => stub.does({}));

const mine: Server['call'] = (...asked) => s.call(...asked);

const analyst = async (call: Server['call']): Promise<string> =>
  (await call('GET', '/api/v1/agent-ops/registry')).body.data.find((a: any) => a.name === 'analyst').id;
const grant = async (...capabilities: string[]) =>
  expect((await s.call('PATCH', `/api/v1/agent-ops/registry/${await analyst(mine)}`, { capabilities })).status).toBe(
    200,
  );
const check = async (id = desk, call = mine) => (await call('POST', `/api/tools/${id}/check`)).body;
const detail = async (id = desk) => (await s.call('GET', `/api/tools/${id}`)).body;
/** Sets an agent to make a call; it has made it, or waits for people. */
const run = async (prompt: object, call = mine) => {
  const ticket = (await call('POST', '/api/tickets', { title: 'Call a tool', auto_assign: false })).body;
  const spawned = await call('POST', `/api/tickets/${ticket.id}/assign-agent`, { prompt: JSON.stringify(prompt) });
  expect(spawned.status).toBe(200);
  const agent = await settled(spawned.body.agent_id, call);
  return { ...agent, ticket: ticket.id as number };
};
const settled = (id: number, call = mine, not: string[] = ['spawned', 'running', 'working']) =>
  until(async () => {
    const agent = (await call('GET', `/api/agents/${id}`)).body;
    return !not.includes(agent.status) && agent;
  }, 'the agent to come to something');
/** Its calls as the ledger has them. */
const steps = async (agent: { id: number }) =>
  (
    await s.owner.query(
      `select e.id, e.tool, e.decision, e.reasons, e.result, e.error from executions e join runs r on r.id = e.owner_id
       where r.number = $1 order by e.step`,
      [agent.id],
    )
  ).rows;
const codes = (step: any): string[] => step.reasons.map((r: any) => r.code);
const changeOf = async (ticket: number): Promise<number> => {
  const { changes } = (await s.call('GET', '/api/changes/pending')).body;
  return changes.find((c: any) => c.ticket_id === ticket).id;
};

test('a server is listed with the parts of the installation, and its tools are there once it was looked at', async () => {
  expect(await check()).toEqual({
    tool_id: desk,
    name: 'desk',
    status: 'healthy',
    response_time_ms: expect.any(Number),
    error: null,
  });
  const { tools, total, setup_modules } = (await s.call('GET', '/api/tools')).body;
  expect(total).toBe(tools.length);
  expect(tools.map((t: any) => [t.name, t.type])).toEqual([
    ['built-in', 'builtin'], ['postgres', 'integration'], ['temporal', 'integration'], ['desk', 'mcp'],
  ]); // prettier-ignore
  expect(tools[3]).toMatchObject({
    id: desk,
    host: '127.0.0.1',
    port: Number(new URL(stub.url).port),
    status: 'healthy',
    last_check_status: 'healthy',
  });
  expect(setup_modules.find((m: any) => m.module_id === 'tool-servers')).toMatchObject({
    deployment_status: 'ready',
    source: 'check',
  });
  expect((await detail()).tools.map((t: any) => [t.name, t.effect, t.problem])).toEqual([
    ['desk.lookup', 'external', null],
    ['desk.restart', 'external', null],
  ]);
});

test('all are looked at in one call, and what each came to is kept', async () => {
  const { results, count } = (await s.call('POST', '/api/tools/check-all')).body;
  expect(results.map((r: any) => [r.name, r.status])).toEqual([
    ['built-in', 'healthy'], ['postgres', 'healthy'], ['temporal', 'healthy'], ['desk', 'healthy'],
  ]); // prettier-ignore
  expect(count).toBe(4);
  const history = (await s.call('GET', `/api/tools/${desk}/history?hours=1`)).body;
  expect(history).toMatchObject({ tool_id: desk, count: history.checks.length });
  expect(history.checks[0]).toEqual({
    timestamp: expect.any(String),
    status: 'healthy',
    response_time_ms: expect.any(Number),
    error: null,
  });
  expect((await s.call('GET', '/api/tools/status')).body).toMatchObject({ healthy: 4, down: 0, unknown: 0 });
  const key = { 'Idempotency-Key': 'look-once' };
  const first = await s.call('POST', `/api/tools/${desk}/check`, undefined, key);
  const before = (await s.call('GET', `/api/tools/${desk}/history`)).body.count;
  expect((await s.call('POST', `/api/tools/${desk}/check`, undefined, key)).body).toEqual(first.body);
  expect((await s.call('GET', `/api/tools/${desk}/history`)).body.count).toBe(before);
});

test('what is wrong with it is found out, told once when it changes, and is over when it is over', async () => {
  stub.does({ list: 'hang' });
  expect(await check()).toMatchObject({
    status: 'down',
    error: expect.stringContaining('no answer within 8000 ms'),
    response_time_ms: null,
  });
  expect(await check()).toMatchObject({ status: 'down' });
  stub.does({ tools: 'ill-formed' });
  expect(await check()).toMatchObject({
    status: 'degraded',
    error: expect.stringContaining('3 of 5 tools cannot be called'),
  });
  expect((await s.call('GET', '/api/setup/status')).body.module_statuses['tool-servers'].deployment_status).toBe(
    'degraded',
  );
  stub.does({});
  expect(await check()).toMatchObject({ status: 'healthy' });
  const { rows } = await s.owner.query(
    `select body ->> 'before' as before, body ->> 'status' as now from log where kind = 'tool.status_changed' order by seq`,
  );
  expect(rows.map((r) => [r.before, r.now])).toEqual([['healthy', 'down'], ['down', 'degraded'], ['degraded', 'healthy']]); // prettier-ignore
  await s.owner.query(`update tools set last_check = now() - interval '1 hour' where number = $1`, [desk]);
  expect(await detail()).toMatchObject({ status: 'unknown', last_check_status: 'healthy' });
  await check();
});

test('what a tool server is shown is shown to nobody else', async () => {
  const seen = stub.seen().findLast((a) => a.method === 'POST');
  expect(seen?.authorization).toBe(secret);
  const { text, body } = await s.call('GET', `/api/tools/${desk}`);
  expect(text).not.toContain('of-the-desk');
  expect(body.server).toEqual({
    transport: 'http',
    command: null,
    url: stub.url,
    has_secrets: true,
    timeout_ms: 30_000,
    trust_annotations: false,
    leases: [],
  });
  const { rows } = await s.owner.query(
    `select count(*)::int as n from log where body::text like '%of-the-desk%' union all
     select count(*)::int from tools where to_jsonb(tools)::text like '%of-the-desk%'`,
  );
  expect(rows.map((r) => r.n)).toEqual([0, 0]);
});

test('a call that nobody said is harmless waits for people; the run goes on', async () => {
  const agent = await run({ tool: 'desk.lookup' });
  expect(agent.status).toBe('finished');
  const [step] = await steps(agent);
  expect([step.decision, codes(step), step.result]).toEqual(['escalate', ['approval_required'], null]);
  expect(stub.calls()).toEqual([]);
});

test('one that people say only reads is carried out, recorded, and has its receipt; what it answered has no secrets', async () => {
  expect((await s.call('PUT', `/api/tools/${desk}`, { tools: { lookup: { effect: 'read' } } })).status).toBe(200);
  stub.does({ call: 'secret' });
  const [step] = await steps(await run({ tool: 'desk.lookup' }));
  expect([step.decision, codes(step)]).toEqual(['allow', ['granted', 'secret_removed']]);
  expect(step.result).toEqual({
    content: [{ type: 'text', text: '[password removed]' }],
    structured_content: { owner: 'ann' },
  });
  const { rows } = await s.owner.query('select kind, tool from log where id = $1', [step.id]);
  expect(rows).toEqual([{ kind: 'execution.allow', tool: 'desk.lookup' }]);
  expect((await s.call('GET', `/receipts/${step.id}`)).status).toBe(200);
});

test.each([
  ['dies', { call: 'die' as const }, 'BadGateway'],
  ['says no', { call: 'refuse' as const }, 'BadGateway'],
  ['lies', { call: 'lie' as const }, 'BadGateway'],
  ['answers too much', { call: 'much' as const }, 'BadGateway'],
])('a server that %s fails the call, not the run', async (_how, wrong, code) => {
  stub.does(wrong);
  const agent = await run({ tool: 'desk.lookup' });
  const [step] = await steps(agent);
  expect([agent.status, step.decision, codes(step)]).toEqual(['finished', 'error', [code]]);
});

test('arguments that its schema refuses, a tool that is not granted, and one that is not there are denied', async () => {
  const calls = stub.calls().length;
  const decided = async (prompt: object) => {
    const [step] = await steps(await run(prompt));
    return [step.decision, ...codes(step)];
  };
  expect(await decided({ tool: 'desk.lookup', args: { host: '', port: 1 } })).toEqual(['deny', expect.any(String)]);
  expect(await decided({ tool: 'desk.nothing' })).toEqual(['deny', 'unknown_tool']);
  await grant('desk.lookup');
  expect(await decided({ tool: 'desk.restart' })).toEqual(['deny', 'tool_not_granted']);
  await grant('desk.lookup', 'desk.restart', 'shelf.lookup');
  expect(stub.calls()).toHaveLength(calls);
});

test('an approved call is carried out once, as it was approved', async () => {
  const agent = await run({ tool: 'desk.restart', propose: true });
  expect(agent.status).toBe('pending_approval');
  const calls = stub.calls().length;
  expect(
    (await s.call('POST', `/api/changes/${await changeOf(agent.ticket)}/approve`, { approved_by: 'ann' })).status,
  ).toBe(200);
  expect((await settled(agent.id, mine, ['pending_approval', 'running', 'working'])).status).toBe('finished');
  expect((await steps(agent)).map((e) => e.decision)).toEqual(['escalate', 'allow']);
  expect(stub.calls().slice(calls)).toEqual(['restart']);
  expect(stub.seen().findLast((a) => a.tool)?.meta).toEqual({
    'wheelhouse/idempotency-key': expect.any(String),
    'wheelhouse/attempt': 1,
  });
});

test.each([
  ['as nobody has noticed', false, 'Conflict'],
  ['as was noticed meanwhile', true, 'approval_void'],
])('an approval of a tool that became another, %s, is for nothing', async (_when, noticed, code) => {
  await check();
  const agent = await run({ tool: 'desk.restart', propose: true });
  const calls = stub.calls().length;
  stub.does({ tools: 'changed' });
  if (noticed) await check();
  await s.call('POST', `/api/changes/${await changeOf(agent.ticket)}/approve`, { approved_by: 'ann' });
  await settled(agent.id, mine, ['pending_approval', 'running', 'working']);
  const last = (await steps(agent)).at(-1);
  expect([last.decision === 'allow', codes(last)]).toEqual([false, [code]]);
  expect(stub.calls()).toHaveLength(calls);
  const { rows } = await s.owner.query(
    `select body -> 'changed' as changed from log where kind = 'tool_server.tools_changed' order by seq desc limit 1`,
  );
  expect(rows[0].changed).toEqual(['restart']);
  stub.does({});
  await check();
});

test('what was said of a tool does not hold for what it becomes', async () => {
  await s.call('PUT', `/api/tools/${desk}`, { tools: { lookup: { effect: 'read' }, restart: { effect: 'read' } } });
  const effects = async () => (await detail()).tools.map((t: any) => [t.name, t.effect]);
  expect(await effects()).toEqual([['desk.lookup', 'read'], ['desk.restart', 'read']]); // prettier-ignore
  stub.does({ tools: 'changed' });
  await check();
  expect(await effects()).toEqual([['desk.lookup', 'read'], ['desk.restart', 'external']]); // prettier-ignore
  stub.does({});
  await check();
});

test('a server over stdio is a command that the operator allows this tenant, and no other', async () => {
  const add = (body: object, call = mine) => call('POST', '/api/tools', body);
  const refused = await add({ name: 'shell', command: '/bin/sh' });
  expect([refused.status, refused.body.error]).toEqual([
    400,
    expect.stringContaining('must be one that the operator allows: shelf, gone'),
  ]);
  const theirs = await add({ name: 'shelf', command: 'shelf' }, s.as(other.token));
  expect([theirs.status, theirs.body.error]).toEqual([400, expect.stringContaining('allows: gone')]);
  const { id } = (await add({ name: 'shelf', command: 'shelf', trust_annotations: true })).body;
  expect(await check(id)).toMatchObject({ status: 'healthy' });
  expect((await detail(id)).tools.map((t: any) => t.effect)).toEqual(['read', 'external']);
  const pids = stub.pids().slice(-2);
  await until(() => Promise.resolve(!pids.some(lives)), 'what was begun for a look to end');
  const [step] = await steps(await run({ tool: 'shelf.lookup' }));
  expect([step.decision, step.result.structured_content]).toEqual(['allow', { owner: 'ann' }]);
  expect(stub.pids().slice(-2).every(lives)).toBe(true); // kept for the next call
  const missing = (await add({ name: 'missing', command: 'gone' })).body.id;
  expect(await check(missing)).toMatchObject({ status: 'down', error: expect.stringContaining('ENOENT') });
});

test('a tenant sees and calls its own servers alone', async () => {
  const theirs = s.as(other.token);
  expect((await theirs('GET', '/api/tools')).body.tools.map((t: any) => t.type)).not.toContain('mcp');
  for (const [method, path] of [['GET', ''], ['GET', '/history'], ['POST', '/check'], ['PUT', ''], ['DELETE', '']] as const)
    expect([method, path, (await theirs(method, `/api/tools/${desk}${path}`, method === 'PUT' ? {} : undefined)).status]).toEqual([method, path, 404]); // prettier-ignore
  const id = await analyst(theirs);
  await theirs('PATCH', `/api/v1/agent-ops/registry/${id}`, { capabilities: ['desk.lookup'] });
  const [step] = await steps(await run({ tool: 'desk.lookup' }, theirs));
  expect([step.decision, codes(step)]).toEqual(['deny', ['unknown_tool']]);
  const own = await theirs('POST', '/api/tools', { name: 'desk', url: stub.url });
  expect(own.status).toBe(200);
});

test('who may do what: to read, to look, to configure', async () => {
  const as = async (role: string) => s.as((await s.user(role)).token);
  const [reader, developer] = [await as('READ_ONLY'), await as('DEVELOPER')];
  const tried = async (call: Server['call']) => [
    (await call('GET', '/api/tools')).status,
    (await call('POST', `/api/tools/${desk}/check`)).status,
    (await call('PUT', `/api/tools/${desk}`, {})).status,
  ];
  expect(await tried(reader)).toEqual([200, 403, 403]);
  expect(await tried(developer)).toEqual([200, 200, 403]);
});

test('what is wrong with a server that is to be added is said, field by field', async () => {
  const wrong = async (body: object) => {
    const { status, body: said } = await s.call('POST', '/api/tools', body);
    return [status, said.error.split(':')[0]];
  };
  expect(await wrong({ name: 'x', url: 'ftp://a/' })).toEqual([400, 'url']);
  expect(await wrong({ name: 'x', url: 'http://me:pass@a/' })).toEqual([400, 'url']);
  expect(await wrong({ name: 'x' })).toEqual([400, 'url']);
  expect(await wrong({ name: 'X Y', url: 'http://a/' })).toEqual([400, 'name']);
  expect(await wrong({ name: 'logs', url: 'http://a/' })).toEqual([400, 'name']);
  expect(await wrong({ name: 'x', url: 'http://a/', headers: { host: 'b' } })).toEqual([
    400,
    expect.stringContaining('headers'),
  ]);
  expect(await wrong({ name: 'x', url: 'http://a/', headers: { a: 'b\r\nc: d' } })).toEqual([
    400,
    expect.stringContaining('headers'),
  ]);
  expect(await wrong({ name: 'x', url: 'http://a/', leases: [{ resource_type: 'project' }] })).toEqual([
    400,
    'leases.0.system',
  ]);
  expect(await wrong({ name: 'desk', url: 'http://a/' })).toEqual([409, 'name']);
  const part = (await s.call('GET', '/api/tools')).body.tools.find((t: any) => t.name === 'postgres').id;
  expect((await s.call('PUT', `/api/tools/${part}`, {})).status).toBe(409);
  expect((await s.call('DELETE', `/api/tools/${part}`)).status).toBe(409);
});

test('one that moves to another address is another: it gets no secrets, and what was approved is void', async () => {
  const made = (
    await s.call('POST', '/api/tools', { name: 'moving', url: stub.url, headers: { authorization: secret } })
  ).body.id;
  await check(made);
  await grant('moving.restart', 'desk.lookup');
  const agent = await run({ tool: 'moving.restart', propose: true });
  await s.call('PUT', `/api/tools/${made}`, { url: `${stub.url}?elsewhere` });
  expect(await detail(made)).toMatchObject({ status: 'unknown', tools: [], server: { has_secrets: false } });
  await check(made);
  // The old address may hear a late goodbye, with what was for it.
  const there = stub.seen().filter(({ url }) => url?.endsWith('?elsewhere'));
  expect(new Set(there.map(({ authorization }) => authorization))).toEqual(new Set([null]));
  await s.call('POST', `/api/changes/${await changeOf(agent.ticket)}/approve`, { approved_by: 'ann' });
  await settled(agent.id, mine, ['pending_approval', 'running', 'working']);
  expect(codes((await steps(agent)).at(-1))).toEqual(['approval_void']);
});

test('one that is switched off or deleted is called by nobody', async () => {
  await s.call('PUT', `/api/tools/${desk}`, { enabled: false });
  expect((await s.call('POST', `/api/tools/${desk}/check`)).status).toBe(409);
  expect(codes((await steps(await run({ tool: 'desk.lookup' })))[0])).toEqual(['unknown_tool']);
  expect((await s.call('DELETE', `/api/tools/${desk}`)).body).toEqual({ id: desk, name: 'desk', status: 'deleted' });
  expect((await s.call('GET', `/api/tools/${desk}`)).status).toBe(404);
  expect((await s.call('GET', '/audit/logs/verify')).body.data.valid).toBe(true);
});

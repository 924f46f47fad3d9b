import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { Conflict } from '../../domain/errors';
import { tool } from '../../pipeline/call';
import { startWorker, type RunningWorker } from '../../workers/main';
import { startServer, type Server } from '../harness';
import { agentIs, runKey, waitingAgent } from './working';

// Tools that an agent elsewhere has called: through the pipeline, at steps of its run.

let s: Server;
let worker: RunningWorker;
const effects: string[] = [];
const restart = tool({
  name: 'test.restart', description: 'Restarts a host', effect: 'external', scope: 'tickets:read', content: 'instruction',
  args: z.object({ host: z.string() }), target: ({ host }) => host,
  run: ({ host }, { effect }) => {
    effects.push(`${host} ${effect?.key ?? ''}`);
    if (host.startsWith('lost')) return Promise.reject(new Conflict('the answer was lost on its way'));
    return Promise.resolve({ restarted: host });
  },
}); // prettier-ignore

beforeAll(async () => {
  s = await startServer({}, { worker: false });
  await s.owner.query(
    `insert into agent_grants (id, tenant_id, agent_id, tool, effect) select gen_random_uuid(), tenant_id, id, 'test.restart', 'ALLOW' from agents`,
  );
  worker = await startWorker(s.config, { tools: [restart] });
});
afterAll(async () => {
  await worker.close();
  await s.close();
});

async function claimed() {
  const group = `group-${randomUUID()}`;
  const ticket = (await s.call('POST', '/api/tickets', { title: 'x', owning_group: group, auto_assign: false })).body.id as number;
  const agent = (await s.call('POST', `/api/tickets/${ticket}/assign-agent`, { harness: 'remote' })).body.agent_id as number;
  const claim = async () => (await s.call('POST', '/api/agents/tasks/claim', { wait: 20, labels: [`owning_group=${group}`] })).body.task;
  const task = await claim();
  const say = (what: string, body: object, of = task) => s.call('POST', `/api/agents/tasks/${of.task_id}/${what}`, { token: of.token, ...body });
  return { ticket, agent, task, own: s.as(task.credential.token as string), claim, say };
} // prettier-ignore
const steps = async (agent: number) =>
  (await s.owner.query('select e.step, e.tool, e.decision from executions e join runs r on r.id = e.owner_id where r.number = $1 order by e.step', [agent])).rows; // prettier-ignore

test('it calls what its brief offers: each at a step of its own, a repeat at none', async () => {
  const { agent, task, own, say } = await claimed();
  expect(task.brief.tools).toEqual(expect.arrayContaining([expect.objectContaining({ name: 'knowledge.search', effect: 'read', schema: expect.any(Object) })])); // prettier-ignore
  const key = { 'idempotency-key': randomUUID() };
  const call = (query: string, headers = {}) =>
    own('POST', `/api/agents/${agent}/tools/call`, { tool: 'knowledge.search', args: { query }, why: 'to know' }, headers); // prettier-ignore
  const first = await call('disk', key);
  expect(first).toMatchObject({ status: 200, body: { step: 0, decision: 'allow', error: null, change_id: null, result: expect.anything() } }); // prettier-ignore
  await s.owner.query('delete from idempotency_keys');
  expect((await call('disk', key)).body).toEqual(first.body);
  const [second, third] = await Promise.all([call('mail'), call('network')]);
  expect([second.body.step, third.body.step].sort()).toEqual([1, 2]);
  const refused = await own('POST', `/api/agents/${agent}/tools/call`, { tool: 'no.such.tool' });
  expect(refused).toMatchObject({ status: 200, body: { step: 3, decision: 'deny', result: null } });
  expect((await own('POST', `/api/agents/${agent}/tools/call`, { tool: 'knowledge.search', args: { query: 7 } })).body).toMatchObject({ decision: expect.not.stringMatching('allow') }); // prettier-ignore
  expect((await steps(agent)).map((r) => r.step)).toEqual([0, 1, 2, 3, 4]);
  await say('complete', { result: 'known' });
  await agentIs(s, agent, 'finished');
  expect((await own('POST', `/api/agents/${agent}/tools/call`, { tool: 'knowledge.search' })).status).toBe(401);
});

test('what reaches outside waits for people, and is done once, as they approved it', async () => {
  const { agent, task, own, claim, say } = await claimed();
  const call = (body: object, by = own) =>
    by('POST', `/api/agents/${agent}/tools/call`, { tool: 'test.restart', ...body });
  const asked = await call({ args: { host: 'web-7' }, why: 'it hangs' });
  expect(asked.body).toMatchObject({ decision: 'escalate', result: null, change_id: expect.any(Number) });
  const change = asked.body.change_id as number;
  expect((await s.call('GET', `/api/changes/${change}`)).body).toMatchObject({ status: 'pending', action: 'call test.restart', requested_by: `agent-${agent}` }); // prettier-ignore
  expect((await call({ args: { host: 'web-7' }, change_id: change })).body.decision).not.toBe('allow');
  await say('checkpoint', { step: 'restart', status: 'waiting_for_approval', progress_pct: 50 });
  await agentIs(s, agent, 'pending_approval');
  expect(effects).toEqual([]);
  expect((await s.call('POST', `/api/changes/${change}/approve`, {})).status).toBe(200);
  const again = await claim();
  expect(again).toMatchObject({ task_id: task.task_id, offer: 2 });
  const by = s.as(again.credential.token as string);
  expect((await call({ args: { host: 'web-8' }, change_id: change }, by)).body.decision).not.toBe('allow');
  expect((await call({ args: { host: 'web-7' }, change_id: change }, by)).body).toMatchObject({ decision: 'allow', result: { restarted: 'web-7' } }); // prettier-ignore
  expect(effects).toHaveLength(1);
  expect((await call({ args: { host: 'web-7' }, change_id: change }, by)).body.decision).not.toBe('allow');
  expect(effects).toHaveLength(1);
  await say('complete', { result: 'restarted' }, again);
  await agentIs(s, agent, 'finished');
  expect((await s.call('GET', `/api/changes/${change}`)).body.status).toBe('completed');
});

test('an approval is good for one call: two at once, or again after one of which nobody knows what it came to', async () => {
  const { agent, own } = await claimed();
  const call = (body: object) => own('POST', `/api/agents/${agent}/tools/call`, { tool: 'test.restart', ...body });
  const approved = async (host: string): Promise<object> => {
    const { change_id } = (await call({ args: { host } })).body;
    expect((await s.call('POST', `/api/changes/${change_id as number}/approve`, {})).status).toBe(200);
    return { args: { host }, change_id };
  };
  const of = (host: string) => effects.filter((e) => e.startsWith(`${host} `));
  const twice = await approved('web-twice');
  const both = (await Promise.all([call(twice), call(twice)])).map(({ body }) => body.decision as string);
  expect(both.sort()).toEqual(['allow', 'deny']);
  expect(of('web-twice')).toHaveLength(1);
  const lost = await approved('lost-1');
  expect((await call(lost)).body).toMatchObject({ decision: 'error', error: 'the answer was lost on its way' });
  expect((await call(lost)).body).toMatchObject({ decision: 'deny', reasons: [{ code: 'approval_void' }] });
  expect(of('lost-1')).toHaveLength(1);
});

test('a call is escalated when what people decide is sealed, and not before', async () => {
  const { agent, own } = await claimed();
  const key = { 'idempotency-key': randomUUID() };
  const call = () =>
    own('POST', `/api/agents/${agent}/tools/call`, { tool: 'test.restart', args: { host: 'web-s' } }, key);
  const first = await call();
  expect(first.body).toMatchObject({ decision: 'escalate', change_id: expect.any(Number) });
  await s.owner.query('delete from idempotency_keys');
  // As the row stands between the record of the step and the seal.
  const of = 'run_id = (select id from runs where number = $1)';
  const { rows } = await s.owner.query<{ seal: string }>(`select seal from run_calls where ${of}`, [agent]);
  await s.owner.query(`update run_calls set seal = null where ${of}`, [agent]);
  expect(await call()).toMatchObject({ status: 503 });
  await s.owner.query(`update run_calls set seal = $2 where ${of}`, [agent, rows[0]?.seal]);
  expect((await call()).body).toEqual(first.body);
  expect(await steps(agent)).toHaveLength(1);
});

test('nobody else calls in its place, and no agent that works here', async () => {
  const { agent } = await claimed();
  const here = await waitingAgent(s);
  const path = (of: number) => `/api/agents/${of}/tools/call`;
  const body = { tool: 'knowledge.search', args: { query: 'x' } };
  expect((await s.call('POST', path(agent), body)).status).toBe(403);
  expect((await s.as(await runKey(s, here.agent))('POST', path(agent), body)).status).toBe(404);
  expect((await s.as(await runKey(s, here.agent))('POST', path(here.agent), body)).status).toBe(409);
  expect((await s.as((await s.tenant()).token)('POST', path(agent), body)).status).toBe(404);
  expect((await s.as(await runKey(s, agent))('POST', path(agent), { ...body, change_id: 2_000_000 })).status).toBe(404);
});

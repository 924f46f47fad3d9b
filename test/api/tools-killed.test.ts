import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer, type Server } from '../harness';
import { stubMcp, type StubMcp } from '../stub-mcp';
import { answers, stubModel } from '../stub-model';
import { lives, until } from '../until';
import { kill, workerProcess } from '../worker-process';
import { agentIs } from './working';

// A worker is killed while a program of a tool server works for it: what it began ends, and what came of the call is known.

let s: Server;
let stub: StubMcp;
let model: Awaited<ReturnType<typeof stubModel>>;
let folder: string;
let settings: Record<string, string>;
let tool: number;
const workers: ChildProcess[] = [];
const worker = async (): Promise<ChildProcess> => {
  const child = await workerProcess(s, settings);
  workers.push(child);
  return child;
};

beforeAll(async () => {
  stub = await stubMcp();
  model = await stubModel(() => finish);
  folder = mkdtempSync(join(tmpdir(), 'wheelhouse-tools-killed-'));
  const file = join(folder, 'servers.json');
  writeFileSync(file, JSON.stringify({ servers: { shelf: stub.program } }));
  const open = { name: 'open', api: 'openai', url: model.url, model: 'open-1', key_env: 'KEY_OF_MODELS', context_window: 30_000, max_output: 1_000, price: { input: 3, output: 15 } }; // prettier-ignore
  settings = { TOOL_SERVERS: file, AGENT_MODELS: JSON.stringify([open]), KEY_OF_MODELS: 'sk-of-the-tests-0123456789' };
  s = await startServer(settings, { worker: false });
  workers.push(await workerProcess(s, settings));
  tool = (await s.call('POST', '/api/tools', { name: 'shelf', command: 'shelf', trust_annotations: true })).body.id;
  expect((await s.call('POST', `/api/tools/${tool}/check`)).body).toMatchObject({ status: 'healthy' });
  const agents = (await s.call('GET', '/api/v1/agent-ops/registry')).body.data;
  const { id } = agents.find((a: any) => a.name === 'analyst');
  const capabilities = ['shelf.lookup', 'shelf.restart'];
  expect((await s.call('PATCH', `/api/v1/agent-ops/registry/${id}`, { capabilities })).status).toBe(200);
});
afterAll(async () => {
  for (const child of workers) if (child.exitCode === null && child.signalCode === null) await kill(child);
  await s.close();
  await model.close();
  await stub.close();
  rmSync(folder, { recursive: true });
});

const finish = answers.turn({ calls: [{ tool: 'finish', args: { summary: 'it is told' } }] });
/** Sets the model to make one call, in which its worker is killed; answers what is recorded of the calls in the end. */
async function killedIn(name: 'lookup' | 'restart') {
  const args = { host: 'web-1' };
  const call =
    name === 'lookup'
      ? { tool: 'shelf_lookup', args }
      : { tool: 'propose_change', args: { tool: 'shelf.restart', arguments: args, reason: 'it hangs' } };
  model.next(answers.turn({ calls: [call] }), finish);
  const [ticket, before] = [(await s.call('POST', '/api/tickets', { title: 'Ask', auto_assign: false })).body.id, stub.calls().length]; // prettier-ignore
  stub.does({ call: 'hang', stubborn: true });
  const spawned = await s.call('POST', `/api/tickets/${ticket}/assign-agent`, { harness: 'model', model: 'open' });
  expect(spawned.status).toBe(200);
  const agent = spawned.body.agent_id as number;
  if (name === 'restart') {
    await agentIs(s, agent, 'pending_approval');
    const { changes } = (await s.call('GET', '/api/changes/pending')).body;
    const { id } = changes.find((c: any) => c.ticket_id === ticket);
    expect((await s.call('POST', `/api/changes/${id}/approve`, {})).status).toBe(200);
  }
  await until('the program is at it', () => stub.calls().length === before + 1);
  const pids = stub.pids().slice(-2);
  expect(pids.map(lives)).toEqual([true, true]);
  await kill(workers.at(-1) as ChildProcess);
  await until('what the worker began ends', () => !pids.some(lives), 15_000);
  stub.does({});
  await worker();
  await agentIs(s, agent, 'finished', 'failed');
  const { rows } = await s.owner.query(
    `select e.decision, e.error, e.result from executions e join runs r on r.id = e.owner_id where r.number = $1 order by e.step`,
    [agent],
  );
  const { status } = (await s.call('GET', `/api/agents/${agent}`)).body;
  return { status, steps: rows, calls: stub.seen().filter((a) => a.tool).slice(before) }; // prettier-ignore
}

test('a call that only reads is made again, and recorded once', async () => {
  const { status, steps, calls } = await killedIn('lookup');
  expect([status, steps.map((e) => e.decision), calls.length]).toEqual(['finished', ['allow'], 2]);
  expect(steps[0].result.structured_content).toEqual({ owner: 'ann' });
}, 120_000);

test('one that reaches outside is not made a second time: that nobody knows what it did is what is recorded', async () => {
  const { status, steps, calls } = await killedIn('restart');
  expect([status, calls.length]).toEqual(['failed', 1]);
  expect(steps.map((e) => e.decision)).toEqual(['escalate', 'error']);
  expect(steps[1].error).toContain('may have been carried out by an earlier attempt');
}, 120_000);

test('… unless a repeat does nothing more: then it is made again, under the same key', async () => {
  await s.call('PUT', `/api/tools/${tool}`, { tools: { restart: { repeatable: true } } });
  const { status, steps, calls } = await killedIn('restart');
  expect([status, steps.map((e) => e.decision)]).toEqual(['finished', ['escalate', 'allow']]);
  expect(calls.map((c) => c.meta?.['wheelhouse/attempt'])).toEqual([1, 2]);
  expect(new Set(calls.map((c) => c.meta?.['wheelhouse/idempotency-key'])).size).toBe(1);
}, 120_000);

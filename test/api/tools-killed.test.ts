import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer, type Server } from '../harness';
import { stubMcp, type StubMcp } from '../stub-mcp';
import { answers, stubModel, type Asked } from '../stub-model';
import { lives, until } from '../until';
import { kill, workerProcess } from '../worker-process';
import { agentIs } from './working';

// A worker is killed while a program of a tool server works for it: what it began ends, and what came of the call is known.

let s: Server;
let stub: StubMcp;
let model: Awaited<ReturnType<typeof stubModel>>;
let folder: string;
let settings: Record<string, string>;
const workers: ChildProcess[] = [];
const worker = async (): Promise<void> => void workers.push(await workerProcess(s, settings));

/** One worker is killed in the calls of three runs. */
const cases = {
  reads: { host: 'web-1', tool: 'shelf.lookup' },
  reaches: { host: 'web-2', tool: 'shelf.restart' },
  repeatable: { host: 'web-3', tool: 'stand.restart' },
};
type Case = keyof typeof cases;
const names = Object.keys(cases) as Case[];
const finish = answers.turn({ calls: [{ tool: 'finish', args: { summary: 'it is told' } }] });
/** Makes the call of its ticket, once, and then ends. */
function asIsAsked({ messages, body }: Asked) {
  const of = names.find((name) => body.includes(`Ask: ${name}.`));
  if (of === undefined || messages.some((m) => m.role === 'tool')) return finish;
  const { host, tool } = cases[of];
  const args = { host };
  if (of === 'reads') return answers.turn({ calls: [{ tool: 'shelf_lookup', args }] });
  return answers.turn({ calls: [{ tool: 'propose_change', args: { tool, arguments: args, reason: 'it hangs' } }] });
}
async function begin(name: Case): Promise<number> {
  const ticket = (await s.call('POST', '/api/tickets', { title: `Ask: ${name}.`, auto_assign: false })).body
    .id as number;
  const spawned = await s.call('POST', `/api/tickets/${ticket}/assign-agent`, { harness: 'model', model: 'open' });
  expect(spawned.status).toBe(200);
  const agent = spawned.body.agent_id as number;
  if (name === 'reads') return agent;
  await agentIs(s, agent, 'pending_approval');
  const { changes } = (await s.call('GET', '/api/changes/pending')).body;
  const { id } = changes.find((c: any) => c.ticket_id === ticket);
  expect((await s.call('POST', `/api/changes/${id}/approve`, {})).status).toBe(200);
  return agent;
}
let agents: Record<string, number>;

beforeAll(async () => {
  stub = await stubMcp();
  model = await stubModel(asIsAsked);
  folder = mkdtempSync(join(tmpdir(), 'wheelhouse-tools-killed-'));
  const file = join(folder, 'servers.json');
  writeFileSync(file, JSON.stringify({ servers: { shelf: stub.program, stand: stub.program } }));
  const open = { name: 'open', api: 'openai', url: model.url, model: 'open-1', key_env: 'KEY_OF_MODELS', context_window: 30_000, max_output: 1_000, price: { input: 3, output: 15 } }; // prettier-ignore
  settings = { TOOL_SERVERS: file, AGENT_MODELS: JSON.stringify([open]), KEY_OF_MODELS: 'sk-of-the-tests-0123456789' };
  s = await startServer(settings, { worker: false });
  await worker();
  for (const name of ['shelf', 'stand']) {
    const { id } = (await s.call('POST', '/api/tools', { name, command: name, trust_annotations: true })).body;
    expect((await s.call('POST', `/api/tools/${id}/check`)).body).toMatchObject({ status: 'healthy' });
    if (name === 'stand') await s.call('PUT', `/api/tools/${id}`, { tools: { restart: { repeatable: true } } });
  }
  const { data } = (await s.call('GET', '/api/v1/agent-ops/registry')).body;
  const { id } = data.find((a: any) => a.name === 'analyst');
  const capabilities = names.map((name) => cases[name].tool);
  expect((await s.call('PATCH', `/api/v1/agent-ops/registry/${id}`, { capabilities })).status).toBe(200);

  stub.does({ call: 'hang', stubborn: true });
  agents = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await begin(name)] as const)));
  await until('the programs are at it', () => stub.calls().length === names.length);
  const pids = stub.pids().slice(-4);
  expect(pids.map(lives)).toEqual([true, true, true, true]);
  await kill(workers.at(-1) as ChildProcess);
  await until('what the worker began ends', () => !pids.some(lives), 15_000);
  stub.does({});
  await worker();
}, 240_000);
afterAll(async () => {
  for (const child of workers) if (child.exitCode === null && child.signalCode === null) await kill(child);
  await s.close();
  await model.close();
  await stub.close();
  rmSync(folder, { recursive: true });
});

/** What is recorded of a run's calls in the end, and what of them reached the server. */
async function cameTo(name: Case) {
  const { status } = await agentIs(s, agents[name] ?? 0, 'finished', 'failed');
  const { rows } = await s.owner.query(
    `select e.decision, e.error, e.result from executions e join runs r on r.id = e.owner_id where r.number = $1 order by e.step`,
    [agents[name]],
  );
  return { status, steps: rows, calls: stub.seen().filter((a) => a.tool && a.args?.['host'] === cases[name].host) };
}

test('a call that only reads is made again, and recorded once', async () => {
  const { status, steps, calls } = await cameTo('reads');
  expect([status, steps.map((e) => e.decision), calls.length]).toEqual(['finished', ['allow'], 2]);
  expect(steps[0].result.structured_content).toEqual({ owner: 'ann' });
}, 60_000);

test('one that reaches outside is not made a second time: that nobody knows what it did is what is recorded', async () => {
  const { status, steps, calls } = await cameTo('reaches');
  expect([status, calls.length]).toEqual(['failed', 1]);
  expect(steps.map((e) => e.decision)).toEqual(['escalate', 'error']);
  expect(steps[1].error).toContain('may have been carried out by an earlier attempt');
}, 60_000);

test('… unless a repeat does nothing more: then it is made again, under the same key', async () => {
  const { status, steps, calls } = await cameTo('repeatable');
  expect([status, steps.map((e) => e.decision)]).toEqual(['finished', ['escalate', 'allow']]);
  expect(calls.map((c) => c.meta?.['wheelhouse/attempt'])).toEqual([1, 2]);
  expect(new Set(calls.map((c) => c.meta?.['wheelhouse/idempotency-key'])).size).toBe(1);
}, 60_000);

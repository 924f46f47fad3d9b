import { readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { processOf } from '../../runner/proc';
import type { Server } from '../harness';
import { agentBecomes, commandServer, set } from '../runner/server';
import { until } from '../until';
import { kindsOfRun } from './working';

let s: Server;
beforeAll(async () => void (s = await commandServer()));
afterAll(() => s.close());

const folder = (agent: number, file: string): string => join(s.config.agents.workBase, String(agent), file);
const logs = async (agent: number, query = '') => (await s.call('GET', `/api/agents/${agent}/logs${query}`)).body;
const notes = async (ticket: number) =>
  (await s.call('GET', `/api/tickets/${ticket}/context`)).body.notes as { body: string; source: string }[];
const rowOf = async (agent: number) =>
  (await s.owner.query('select p.* from agent_processes p join runs r on r.id = p.run_id where r.number = $1 order by launch', [agent])).rows; // prettier-ignore

test('runner-health says what a worker found, and what it did not', async () => {
  const { body } = await s.call('GET', '/api/agents/runner-health');
  expect(body).toMatchObject({
    claude_path: expect.stringMatching(/bin\/claude$/), hermes_path: expect.stringMatching(/bin\/hermes$/), codex_auth_mode: 'oauth',
    codex_login_status: { status: 'logged_in' }, model_api: { status: 'unknown' }, permission_mode: 'acceptEdits', ps_path: '/proc',
  }); // prettier-ignore
  const of = (name: string) => body.harnesses.find((h: { harness: string }) => h.harness === name);
  expect(of('claude-code')).toMatchObject({ available: true, version: '2.0.1 (stand-in)', live: 0, error: null });
  expect(body.available_harnesses).toEqual(
    expect.arrayContaining([{ name: 'embedded' }, { name: 'codex' }, { name: 'hog' }]),
  );
});

test.each([
  ['claude-code', 'claude: You are agent'],
  ['codex', 'codex: You are agent'],
  ['hermes', 'hermes: You are agent'],
])('%s works on a ticket, and its result is the run’s', async (harness, words) => {
  const { agent } = await set(s, harness);
  const done = await agentBecomes(s, agent, 'finished');
  expect(done.current_task).toMatchObject({ output: expect.stringContaining(words), progress_pct: 100, pid: null });
  expect(done.task_work_dir).toBe(dirname(folder(agent, 'x')));
});

test('a model that no login has is replaced before the spawn', async () => {
  for (const [model, taken] of [['qwen/coder', 'gpt-x'], [undefined, 'gpt-x'], ['gpt-y', 'gpt-y']]) {
    const ticket = (await s.call('POST', '/api/tickets', { title: 'x', auto_assign: false })).body.id as number;
    const spawned = await s.call('POST', `/api/tickets/${ticket}/assign-agent`, { harness: 'codex', ...(model && { model }) });
    expect(spawned.body).toMatchObject({ status: 'spawned', model: taken });
    const agent = spawned.body.agent_id as number;
    expect(await agentBecomes(s, agent, 'finished')).toMatchObject({ model: taken });
    expect((await logs(agent)).content).toContain(`harness codex, model ${taken},`);
  } // prettier-ignore
});

test('its log, its checkpoint and its folder; the key is gone with its end', async () => {
  const { agent, ticket, task } = await set(s, 'normal', { prompt: 'free some space' });
  await agentBecomes(s, agent, 'finished');
  const log = await logs(agent);
  expect(log).toMatchObject({ task_id: task, source: 'file', ended: true, log_path: folder(agent, 'output.log') });
  expect(log.content).toMatch(/^\[runner\] task \d+: agent \d+, harness normal/);
  expect(log.content).toContain('[stderr] a warning');
  expect((await logs(agent, '?lines=1')).content).toMatch(/^[^\n]+\n$/);
  expect((await s.call('GET', `/api/agents/tasks/${task}/logs`)).body).toEqual(log);
  expect((await notes(ticket)).filter((n) => n.source === 'agent-checkpoint')).toMatchObject([
    { body: expect.stringContaining('look: running (50 %)') },
  ]);
  const { current_task } = (await s.call('GET', `/api/agents/${agent}`)).body;
  expect(current_task).toMatchObject({
    work_dir: dirname(folder(agent, 'x')), pid: null,
    checkpoints: [{ step: 'look', status: 'running', output: 'looked', timestamp: expect.any(String) }],
  }); // prettier-ignore
  const { model_turn_events: turns } = (await s.call('GET', `/api/tickets/${ticket}/context`)).body;
  const shared = {
    task_id: task,
    agent_id: agent,
    ticket_id: ticket,
    turn_index: 0,
    attempt: 1,
    model: 'normal',
    cost: null,
  };
  expect(turns).toMatchObject([
    { ...shared, event_type: 'agent_model_turn_started', state: 'reserved' },
    { ...shared, event_type: 'agent_model_turn_finished', stop_reason: 'end_turn', has_tool_use: false, tokens_in: 7, tokens_out: 3 },
  ]); // prettier-ignore
  const listed = (await s.call('GET', `/api/agents/tasks?agent_id=${agent}`)).body.tasks;
  expect(listed).toEqual([current_task]);
  expect(await kindsOfRun(s, agent)).toEqual(
    expect.arrayContaining(['process.launched', 'run.checkpoint', 'process.ended']),
  );
  expect(readFileSync(folder(agent, 'AGENTS.md'), 'utf8')).toContain('> free some space');
  const vault = JSON.parse(readFileSync(folder(agent, 'agent_vault.json'), 'utf8')) as { leases: object[] };
  expect(vault.leases).toHaveLength(3); // the references to its own ticket
  expect(vault.leases).toContainEqual(
    expect.objectContaining({ system: 'dashboard', action: 'read', expires_at: null }),
  );
  expect(statSync(folder(agent, '.')).mode & 0o777).toBe(0o700);
  const { token } = JSON.parse(readFileSync(folder(agent, 'dashboard_auth.json'), 'utf8')) as { token: string };
  expect((await s.as(token)('GET', `/api/tickets/${ticket}`)).status).toBe(401);
});

test('its environment has nothing of this server', async () => {
  const { agent } = await set(s, 'environment');
  const { current_task } = await agentBecomes(s, agent, 'finished');
  const { env, cwd } = JSON.parse(current_task.output as string) as { env: Record<string, string>; cwd: string };
  expect(cwd).toBe(dirname(folder(agent, 'x')));
  expect(Object.keys(env).filter((n) => /WHEELHOUSE|DATABASE|TEMPORAL|METRICS|MASTER/.test(n))).toEqual([]);
  expect(env).toMatchObject({ AGENT_ID: String(agent), DASHBOARD_API_BASE: s.url });
});

test('what a log shows has no credentials', async () => {
  const { agent } = await set(s, 'leaks');
  await agentBecomes(s, agent, 'finished');
  expect((await logs(agent)).content).toContain('my key is [wheelhouse key removed]');
});

test('a failure says how and with which words; trouble of a model is waited out, not for ever', async () => {
  const [fails, once, always] = [await set(s, 'fails'), await set(s, 'busy-once'), await set(s, 'busy-always')];
  expect((await agentBecomes(s, fails.agent, 'failed')).error_message).toBe(
    'the command ended with exit code 1: [stderr] no such thing',
  );
  expect(await agentBecomes(s, once.agent, 'finished')).toMatchObject({
    attempts: 2,
    current_task: { output: 'fine now' },
  });
  expect(await rowOf(once.agent)).toMatchObject([
    { launch: 1, outcome: { is: 'again' } },
    { launch: 2, outcome: { is: 'finished' } },
  ]);
  expect((await agentBecomes(s, always.agent, 'failed')).error_message).toContain('529 overloaded (3 more attempts');
  expect(await rowOf(always.agent)).toHaveLength(4);
  expect((await s.call('GET', `/api/agents/${fails.agent}`)).body.attempts).toBe(1);
});

test('it waits for approval without a process, and is called again with what was decided', async () => {
  const { agent, ticket } = await set(s, 'asks-approval');
  await agentBecomes(s, agent, 'pending_approval');
  expect((await s.call('GET', `/api/tickets/${ticket}`)).body.status).toBe('pending_approval');
  const [first] = await rowOf(agent);
  expect(first).toMatchObject({ outcome: { is: 'waiting', for: 'pending_approval' }, end_limit: 'stop' });
  const [change] = (await s.call('GET', `/api/changes?agent_id=${agent}`)).body.changes;
  expect(change).toMatchObject({ status: 'pending', requested_by: `agent-${agent}` });
  expect((await s.call('POST', `/api/changes/${change.id}/approve`, {})).status).toBe(200);
  expect((await agentBecomes(s, agent, 'finished')).current_task.output).toBe(`change ${change.id} is approved`);
  await until(
    'its change is completed with it',
    async () => (await s.call('GET', `/api/changes/${change.id}`)).body.status === 'completed',
  );
  expect(readFileSync(folder(agent, 'AGENTS.md'), 'utf8')).toContain(`Change ${change.id} (restart web-1) is approved`);
});

test('it waits for a person, and goes on with the answer', async () => {
  const { agent, ticket } = await set(s, 'asks-user');
  await agentBecomes(s, agent, 'awaiting_user_response');
  await s.call('POST', `/api/tickets/${ticket}/notes`, { body: 'web-7', source: 'dashboard', author: 'dana' });
  expect((await agentBecomes(s, agent, 'finished')).current_task.output).toBe('web-7');
});

test('what people say reaches it while it works, and it acknowledges it itself', async () => {
  const { agent, ticket } = await set(s, 'steered');
  await until('it listens', async () => (await s.call('GET', `/api/agents/${agent}`)).body.task_progress_pct >= 20);
  await s.call('POST', `/api/tickets/${ticket}/notes`, { body: 'look at web-3', source: 'dashboard', author: 'dana' });
  expect((await agentBecomes(s, agent, 'finished')).current_task.output).toBe('heard: look at web-3; true');
  const { events } = (await s.call('GET', `/api/agents/${agent}/steering`)).body;
  expect(events).toMatchObject([{ status: 'acknowledged', delivered_at: expect.any(String) }]);
});

test('its log is followed while it runs; processes are the kernel’s; stopped, nothing of it is left', async () => {
  const { agent, task } = await set(s, 'talks-forever');
  await until('it talks', async () => (await logs(agent)).content.includes('still here'));
  const first = await logs(agent, '?offset=0');
  const more = await logs(agent, `?offset=${first.next_offset}&follow=10`);
  expect(more.content).toMatch(/^(still here\n)+$/);
  expect(more.next_offset).toBeGreaterThan(first.next_offset as number);
  const seen = (await s.call('GET', '/api/agents/processes')).body;
  const mine = seen.tracked.find((t: { task_id: number }) => t.task_id === task);
  expect(mine).toMatchObject({ harness: 'talks-forever', seen: 'here', alive: 1 });
  expect((await s.call('GET', `/api/agents/${agent}`)).body.current_task.pid).toBe(mine.pid);
  expect(seen.active_processes).toContain(task);
  expect(seen.processes.find((l: string) => l.trim().startsWith(`${mine.pid} `))).toContain(
    'stand-in.cjs talks_forever',
  );
  const other = await s.tenant();
  const foreign = s.as(other.token);
  expect((await foreign('GET', '/api/agents/processes')).body).toMatchObject({
    processes: [],
    active_processes: [],
    tracked: [],
  });
  for (const path of [`/api/agents/${agent}/logs`, `/api/agents/tasks/${task}/logs`])
    expect((await foreign('GET', path)).status).toBe(404);
  expect(processOf(mine.pid as number)).not.toBeNull();
  await s.call('POST', `/api/agents/${agent}/stop`, { reason: 'enough' });
  await until('its process is gone', () => processOf(mine.pid as number) === null);
  await until('that is written down', async () => (await rowOf(agent))[0].ended_at !== null);
  expect((await s.call('GET', `/api/agents/${agent}`)).body).toMatchObject({
    status: 'stopped',
    error_message: 'enough',
  });
  expect(await kindsOfRun(s, agent)).not.toContain('run.failed');
});

test('a command that is kept for one tenant is there for no other', async () => {
  const { agent } = await set(s, 'kept');
  await agentBecomes(s, agent, 'finished');
  const other = s.as((await s.tenant()).token);
  const ticket = (await other('POST', '/api/tickets', { title: 'x', auto_assign: false })).body.id as number;
  for (const path of ['/api/agents/config', '/api/agents/runner-health']) {
    const names = (await other('GET', path)).body.available_harnesses.map((h: { name: string }) => h.name);
    expect([names.includes('normal'), names.includes('kept')]).toEqual([true, false]);
    expect((await s.call('GET', path)).body.available_harnesses).toContainEqual({ name: 'kept' });
  }
  const { harnesses } = (await other('GET', '/api/agents/runner-health')).body;
  expect(harnesses.map((h: { harness: string }) => h.harness)).not.toContain('kept');
  expect(await other('POST', `/api/tickets/${ticket}/assign-agent`, { harness: 'kept' })).toMatchObject({
    status: 400,
    body: {
      field: 'harness',
      error: expect.stringContaining('harness: kept is not for the agents of this tenant'),
      available_harnesses: expect.not.arrayContaining(['kept']),
    },
  });
});

test('a harness that nobody has is refused, with those that can work', async () => {
  const ticket = (await s.call('POST', '/api/tickets', { title: 'x', auto_assign: false })).body.id as number;
  const refused = await s.call('POST', `/api/tickets/${ticket}/assign-agent`, { harness: 'nothing' });
  expect(refused).toMatchObject({
    status: 400,
    body: { field: 'harness', available_harnesses: expect.arrayContaining(['codex', 'normal']) },
  });
});

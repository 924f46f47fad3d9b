import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { childEnvironment, root } from '../../config';
import { startServer, until, type Server } from '../harness';
import { kill, workerProcess } from '../worker-process';
import { agentIs } from './working';

// The example of the page, as a process of its own, through all that may happen to a task; workers are killed meanwhile.

let s: Server;
const children: ChildProcess[] = [];
beforeAll(async () => void (s = await startServer({}, { worker: false })));
afterAll(async () => {
  for (const child of children) if (child.exitCode === null && child.signalCode === null) await kill(child);
  await s.close();
});

const page = readFileSync(join(root, 'docs/harnesses/remote.md'), 'utf8');
const example = /```python\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
const hasPython = spawnSync('python3', ['--version']).status === 0;

const worker = async (): Promise<ChildProcess> => {
  const child = await workerProcess(s);
  children.push(child);
  return child;
};

(hasPython ? test : test.skip)(
  'claims, waits for access, asks a person, goes on and completes, with workers killed in between',
  async () => {
    expect(example).toContain('/api/agents/tasks/claim');
    const made = await s.call('POST', '/api-keys', { name: 'w', role: 'agent-operator', scopes: ['agents:claim'] });
    const agentProcess = spawn('python3', ['-c', example], {
      env: childEnvironment({ WHEELHOUSE_URL: s.url, WHEELHOUSE_KEY: made.body.data.api_key as string }),
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    children.push(agentProcess);
    const first = await worker();
    const ticket = (await s.call('POST', '/api/tickets', { title: 'Mail is down', auto_assign: false })).body
      .id as number;
    const { agent_id: agent } = (await s.call('POST', `/api/tickets/${ticket}/assign-agent`, { harness: 'remote' }))
      .body;
    await agentIs(s, agent as number, 'awaiting_access');
    await kill(first);

    const second = await worker();
    const [asked] = (await s.call('GET', `/api/tickets/${ticket}/access-requests`)).body.access_requests;
    const { token } = await s.user('SECURITY_ANALYST');
    const decide = s.as(token);
    expect((await decide('POST', `/api/changes/${asked.change_id}/approve`, {})).status).toBe(200);
    expect((await decide('POST', `/api/changes/${asked.change_id}/complete`, { result: 'granted' })).status).toBe(200);
    await agentIs(s, agent as number, 'awaiting_user_response');
    await kill(second);

    // Said while there is nobody to pass it on.
    const answered = await s.call('POST', `/api/tickets/${ticket}/user-response`, { response: 'web-7' });
    expect(answered.status).toBe(200);
    await worker();
    const done = await agentIs(s, agent as number, 'finished');
    expect(done.current_task.output).toBe('Looked at web-7');
    const { events } = (await s.call('GET', `/api/agents/${agent}/steering`)).body;
    expect(events).toMatchObject([{ status: 'acknowledged' }]);
    const { rows } = await s.owner.query<{ outcome: string; token: number }>(
      `select t.outcome ->> 'is' as outcome, token from remote_tasks t join runs r on r.id = t.run_id where r.number = $1 order by offer`,
      [agent],
    );
    expect(rows).toEqual([
      { outcome: 'waiting', token: 1 },
      { outcome: 'waiting', token: 2 },
      { outcome: 'finished', token: 3 },
    ]);
    await kill(agentProcess);
  },
  120_000,
);

test('what it came to while there was no worker is taken over when there is one', async () => {
  const key = await s.call('POST', '/api-keys', { name: 'w', role: 'agent-operator', scopes: ['agents:claim'] });
  const by = s.as(key.body.data.api_key as string);
  const up = children.find((c) => c.exitCode === null && c.signalCode === null && c.spawnargs.includes('worker'));
  const living = up ?? (await worker());
  const ticket = (await s.call('POST', '/api/tickets', { title: 'x', owning_group: 'lonely', auto_assign: false })).body
    .id;
  const { agent_id: agent } = (await s.call('POST', `/api/tickets/${ticket}/assign-agent`, { harness: 'remote' })).body;
  const { task } = (await by('POST', '/api/agents/tasks/claim', { wait: 30, labels: ['owning_group=lonely'] })).body;
  await kill(living);
  const done = await by('POST', `/api/agents/tasks/${task.task_id}/complete`, { token: task.token, result: 'alone' });
  expect(done.status).toBe(200);
  await worker();
  await until(
    async () => (await s.call('GET', `/api/agents/${agent}`)).body.status === 'finished',
    'the run to take it over',
  );
}, 120_000);

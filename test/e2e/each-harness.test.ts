import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { agentIs } from '../api/working';
import { startServer, until, type Server } from '../harness';
import { commandsAreFound } from '../runner/server';
import { answers, stubModel, type Answer, type Asked } from '../stub-model';

// The same ticket with each harness: it asks for access, people grant it and say what they want, the agent does that and ends,
// and what it was lent ends with it. The embedded analyst's own story is story.test.ts.

const wish = 'look at web-7';
const access = {
  system: 'gitlab',
  resource: 'gitlab project demo/infra',
  permission: 'read',
  reason: 'to see what changed',
};

let s: Server;
let stub: Awaited<ReturnType<typeof stubModel>>;
const programs = mkdtempSync(join(tmpdir(), 'wheelhouse-programs-'));
beforeAll(async () => {
  for (const name of ['claude', 'codex', 'hermes']) {
    copyFileSync(join(__dirname, '../runner/storyteller.cjs'), join(programs, name));
    chmodSync(join(programs, name), 0o755);
  }
  stub = await stubModel(asModel);
  s = await startServer(
    {
      PATH: `${programs}:${process.env['PATH'] ?? ''}`,
      AGENT_COMMANDS: JSON.stringify({ teller: [process.execPath, join(programs, 'claude'), '{prompt}'] }),
      AGENT_MODELS: JSON.stringify([{ name: 'open', api: 'openai', url: stub.url, model: 'open-1', context_window: 30_000, max_output: 1_000, price: { input: 1, output: 1 } }]),
      AGENT_GRACE_MS: '300',
    },
    { worker: false },
  ); // prettier-ignore
  Object.assign(s.config.agents, { apiBase: s.url });
  await s.startWorker();
  await commandsAreFound(s);
});
afterAll(async () => {
  await s.close();
  await stub.close();
  rmSync(programs, { recursive: true });
});

/** What a model would make of what it is told. */
function asModel({ messages, body }: Asked): Answer {
  const call = (tool: string, args: object): Answer => answers.turn({ calls: [{ tool, args }] });
  const before = messages.filter(({ role }) => role === 'assistant').map((m) => JSON.stringify(m)).join(); // prettier-ignore
  if (!before.includes('request_access')) return call('request_access', access);
  if (!body.includes(wish) || !/granted/.test(body)) return call('knowledge_search', { query: 'web' });
  if (!before.includes('tickets_note')) return call('tickets_note', { body: `Did: ${wish}` });
  return call('finish', { summary: `${wish}, with access` });
}

/** An agent elsewhere: it has the task twice, before it may and after. */
async function elsewhere(): Promise<void> {
  const key = await s.call('POST', '/api-keys', { name: 'w', role: 'agent-operator', scopes: ['agents:claim'] });
  const w = s.as(key.body.data.api_key as string);
  const claim = async () => (await w('POST', '/api/agents/tasks/claim', { wait: 40 })).body.task;
  const say = (task: any, what: string, more: object) =>
    w('POST', `/api/agents/tasks/${task.task_id}/${what}`, { token: task.token, ...more });
  const task = await claim();
  const own = s.as(task.credential.token as string);
  await own('POST', `/api/tickets/${task.ticket_id}/access-request`, { agent_id: task.agent_id, ...access, system: undefined }); // prettier-ignore
  await say(task, 'checkpoint', { step: 'access', status: 'waiting_for_access', output: 'asked', progress_pct: 20 });
  const again = await claim();
  const mine = s.as(again.credential.token as string);
  const { body, id } = again.steering.at(-1);
  await mine('POST', `/api/agents/${again.agent_id}/steering/${id}/ack`, {});
  await mine('POST', `/api/tickets/${again.ticket_id}/notes`, { body: `Did: ${body}`, source: 'agent' });
  const systems = again.leases.map((lease: { system: string }) => lease.system);
  await say(again, 'complete', { result: `${body}, with ${systems.includes('gitlab') ? 'access' : 'no access'}` });
}

test.each(['model', 'claude-code', 'codex', 'hermes', 'teller', 'remote'])('%s', async (harness) => {
  const working = harness === 'remote' ? elsewhere() : Promise.resolve();
  const ticket = (await s.call('POST', '/api/tickets', { title: 'Mail is down', auto_assign: false })).body
    .id as number;
  const spawned = await s.call('POST', `/api/tickets/${ticket}/assign-agent`, { harness, prompt: 'find out why' });
  expect(spawned.body).toMatchObject({ status: 'spawned', harness });
  const agent = spawned.body.agent_id as number;

  const requests = async () => (await s.call('GET', `/api/tickets/${ticket}/access-requests`)).body.access_requests;
  const asked = await until(async () => {
    const [request] = await requests();
    return request?.change_id ? request : null;
  }, 'it to ask for access');
  if (harness !== 'model') await agentIs(s, agent, 'awaiting_access');
  await s.call('POST', `/api/tickets/${ticket}/notes`, { body: wish, source: 'dashboard', author: 'dana' });
  const people = s.as((await s.user('SECURITY_ANALYST')).token);
  expect((await people('POST', `/api/changes/${asked.change_id}/approve`, {})).status).toBe(200);
  expect((await people('POST', `/api/changes/${asked.change_id}/complete`, { result: 'given' })).status).toBe(200);

  const done = await agentIs(s, agent, 'finished', 'failed');
  expect([done.status, done.error_message, done.current_task.output]).toEqual([
    'finished',
    null,
    `${wish}, with access`,
  ]);
  await working;
  const { notes } = (await s.call('GET', `/api/tickets/${ticket}/context`)).body;
  expect(notes.filter(({ body }: { body: string }) => body === `Did: ${wish}`)).toHaveLength(1);
  const { events } = (await s.call('GET', `/api/agents/${agent}/steering`)).body;
  expect(events).toMatchObject([{ body: wish, status: 'acknowledged' }]);
  await until(async () => (await requests())[0].status === 'revoked', 'the access to end with the agent');
  const { rows } = await s.owner.query<{ n: number }>(
    `select count(*)::int as n from leases l join runs r on r.id = l.run_id where r.number = $1 and l.status = 'active'`,
    [agent],
  );
  expect(rows).toEqual([{ n: 0 }]);
  expect((await s.call('GET', '/audit/logs/verify')).body.data.valid).toBe(true);
});

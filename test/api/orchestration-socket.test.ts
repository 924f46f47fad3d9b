import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';
import { lineTo } from '../../api/http/conversations';
import { startServer, until, type Server } from '../harness';

let s: Server;
beforeAll(async () => void (s = await startServer()));
afterAll(() => s.close());

/** Somebody who listens. */
class Listener {
  readonly heard: any[] = [];
  closed: number | null = null;
  private constructor(readonly ws: WebSocket) {
    ws.on('message', (data: Buffer) => this.heard.push(JSON.parse(String(data))));
    ws.on('close', (code) => (this.closed = code));
  }
  static async connect(first?: unknown): Promise<Listener> {
    const it = new Listener(new WebSocket(`${s.url.replace('http', 'ws')}/v1/ws`));
    await new Promise((resolve) => it.ws.once('open', resolve));
    if (first !== undefined) it.say(first);
    return it;
  }
  static async as(token: string): Promise<Listener> {
    const it = await Listener.connect({ type: 'auth', token });
    await it.until((m) => m.type === 'auth_ok');
    return it;
  }
  say(message: unknown): void {
    this.ws.send(typeof message === 'string' ? message : JSON.stringify(message));
  }
  until(fits: (message: any) => boolean): Promise<any> {
    return until(() => Promise.resolve(this.heard.find(fits)), 'a message');
  }
  closes(): Promise<number> {
    return until(() => Promise.resolve(this.closed), 'it to be closed');
  }
}

async function agent(): Promise<string> {
  const made = await s.call('POST', '/v1/agents', { name: `agent-${randomUUID()}`, type: 'mover', configuration: { retry_attempts: 0 } }); // prettier-ignore
  const { id } = made.body.data;
  await until(async () => (await s.call('GET', `/v1/agents/${id}`)).body.data.status === 'active', 'an active agent');
  return id as string;
}
/** A task from its beginning to its end. */
async function carryOut(agent_id: string): Promise<string> {
  const { id } = (await s.call('POST', '/v1/tasks', { agent_id, type: 'moving' })).body.data;
  const { task } = (await s.call('POST', '/v1/tasks/claim', { agent_id, wait: 30 })).body.data;
  const { fence } = task;
  await s.call('POST', `/v1/tasks/${id}/heartbeat`, { fence, progress: 40, message: 'halfway' });
  await s.call('POST', `/v1/tasks/${id}/complete`, { fence, status: 'completed', result: { moved: 3 } });
  return id as string;
}

test('who says nothing true first is not let in; what is not understood is said', async () => {
  for (const first of [{ type: 'auth', token: 'acp_wrong' }, { type: 'subscribe', channel: 'system_events' }, 'hello'])
    expect(await (await Listener.connect(first)).closes()).toBe(4401);
  const few = await s.call('POST', '/api-keys', { name: 'few', scopes: ['tickets:read'] });
  expect(await (await Listener.connect({ type: 'auth', token: few.body.data.api_key })).closes()).toBe(4403);
  expect((await s.call('GET', '/v1/ws')).status).toBe(426);

  const it = await Listener.as(s.token);
  it.say({ type: 'subscribe', channel: 'weather' });
  expect(await it.until((m) => m.type === 'error')).toMatchObject({ payload: { code: 'VALIDATION_ERROR', field: 'channel' } }); // prettier-ignore
  it.say({ type: 'subscribe', channel: 'agent_events', agent_id: 'agent_2147480000' });
  await it.until((m) => m.type === 'error' && m.payload.code === 'NOT_FOUND');
  it.say({ type: 'ping' });
  await it.until((m) => m.type === 'pong');
  it.ws.close();
});

test('an agent’s tasks are told as they go, the system’s ends to all; and again from any offset', async () => {
  const [mine, other] = [await agent(), await agent()];
  const it = await Listener.as(s.token);
  it.say({ type: 'subscribe', channel: 'agent_events', agent_id: mine });
  it.say({ type: 'subscribe', channel: 'system_events' });
  for (const channel of ['agent_events', 'system_events'])
    await it.until((m) => m.type === 'subscribed' && m.payload.channel === channel);
  const [task, elsewhere] = [await carryOut(mine), await carryOut(other)];
  await it.until((m) => m.type === 'task_completed' && m.payload.task_id === elsewhere);
  await it.until((m) => m.channel === 'agent_events' && m.type === 'task_completed');
  const own = it.heard.filter((m) => m.channel === 'agent_events');
  expect(own.map((m) => m.type)).toEqual(['task_created', 'task_started', 'task_progress', 'task_completed']);
  expect(own.map((m) => [m.payload.task_id, m.payload.agent_id])).toEqual(own.map(() => [task, mine]));
  expect(own[2].payload).toMatchObject({ progress: 40, message: 'halfway', status: 'running' });
  expect(own[3]).toMatchObject({ payload: { status: 'completed', result: { moved: 3 } }, offset: expect.any(Number), timestamp: expect.stringMatching(/Z$/) }); // prettier-ignore
  const all = it.heard.filter((m) => m.channel === 'system_events' && m.type === 'task_completed');
  expect(all.map((m) => m.payload.task_id)).toEqual([task, elsewhere]);

  await s.call('PUT', `/v1/agents/${mine}`, { status: 'inactive' });
  expect(await it.until((m) => m.type === 'agent_status_change' && m.channel === 'agent_events')).toMatchObject({
    payload: { agent_id: mine, status: 'inactive', previous_status: 'active' },
  });
  it.ws.close();

  const later = await Listener.as(s.token);
  later.say({ type: 'subscribe', channel: 'agent_events', agent_id: mine, since: own[1].offset });
  await later.until((m) => m.type === 'agent_status_change');
  expect(later.heard.filter((m) => m.channel).map((m) => m.type)).toEqual(['task_progress', 'task_completed', 'agent_status_change']); // prettier-ignore
  later.say({ type: 'unsubscribe', channel: 'agent_events', agent_id: mine });
  await later.until((m) => m.type === 'unsubscribed');
  later.ws.close();

  const foreign = await Listener.as((await s.tenant()).token);
  foreign.say({ type: 'subscribe', channel: 'agent_events', agent_id: other });
  await foreign.until((m) => m.type === 'error' && m.payload.code === 'NOT_FOUND');
  foreign.ws.close();
});

test('a credential that is revoked ends it, subscribed or not', async () => {
  const made = (await s.call('POST', '/api-keys', { name: 'listener', scopes: ['agents:read'] })).body.data;
  const it = await Listener.as(made.api_key as string);
  expect((await s.call('DELETE', `/api-keys/${made.id}`)).status).toBeLessThan(300);
  expect(await it.closes()).toBe(4401);
});

test('who takes nothing of what is sent is told to go on elsewhere, and nothing more is kept for them', async () => {
  const [sent, closed]: [string[], number[]] = [[], []];
  const taken = { yes: true };
  const ws = {
    readyState: 1 as const,
    OPEN: 1 as const,
    send: (text: string, done: (e?: Error) => void) => {
      sent.push(text);
      if (taken.yes) done();
    },
    close: (code: number) => void closed.push(code),
  };
  const line = lineTo(ws as unknown as Parameters<typeof lineTo>[0], 20);
  expect(await line.send({ n: 1 })).toBe(true);
  taken.yes = false;
  expect(await line.send({ n: 2 })).toBe(false);
  expect(await line.send({ n: 3 })).toBe(false);
  expect([sent, closed]).toEqual([['{"n":1}', '{"n":2}'], [4408]]);
});

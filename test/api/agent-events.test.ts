import { request } from 'node:http';
import { WebSocket } from 'ws';
import { shapeOf } from '../contract/rows';
import { openapiDocument } from '../../api/openapi';
import { operations, sockets } from '../../api/registry';
import { until, type Server } from '../harness';
import { startHeld, type Held } from './held';
import { runKey } from './working';

let held: Held;
let server: Server;
beforeAll(async () => {
  held = await startHeld();
  ({ server } = held);
});
afterAll(() => held.close());

interface Heard {
  type: string;
  seq: number;
  [more: string]: any;
}

/** A page that watches agents. */
class Page {
  readonly heard: Heard[] = [];
  readonly texts: string[] = [];
  closed: { code: number; reason: string } | null = null;
  private constructor(readonly ws: WebSocket) {
    ws.on('message', (data: Buffer) => {
      const text = String(data);
      if (text.startsWith('{')) this.heard.push(JSON.parse(text) as Heard);
      else this.texts.push(text);
    });
    ws.on('close', (code, reason) => (this.closed = { code, reason: String(reason) }));
  }
  static async open(token: string, { query = '', headers = {} }: { query?: string; headers?: Record<string, string> } = {}) {
    const url = `${server.url.replace('http', 'ws')}/api/agents/ws${query}`;
    const page = new Page(new WebSocket(url, { headers: { ...(token && { authorization: `Bearer ${token}` }), ...headers } }));
    await page.until((e) => e.type === 'connected');
    return page;
  }
  until(fits: (e: Heard) => boolean): Promise<Heard> {
    return until(() => Promise.resolve(this.heard.find(fits)), 'an event');
  }
  get events(): Heard[] {
    return this.heard.filter((e) => e.type !== 'connected');
  }
} // prettier-ignore

/** What an upgrade is answered with where it is refused. */
const refusal = (token: string, query = '', headers: Record<string, string> = {}): Promise<{ status: number; body: any }> =>
  new Promise((resolve, reject) => {
    const all = { ...(token && { authorization: `Bearer ${token}` }), ...headers };
    const ws = new WebSocket(`${server.url.replace('http', 'ws')}/api/agents/ws${query}`, { headers: all });
    ws.once('open', () => reject(new Error('it was let in')));
    ws.once('error', reject);
    ws.once('unexpected-response', (_req, res) => {
      let text = '';
      res.setEncoding('utf8').on('data', (more: string) => (text += more));
      res.once('end', () => resolve({ status: res.statusCode ?? 0, body: JSON.parse(text) }));
    });
  }); // prettier-ignore

test('what an agent does is told as it happens, with its numbers and its place in the log', async () => {
  const page = await Page.open(server.token);
  const { ticket, agent } = await held.spawn();
  const { task_id: task } = await page.until((e) => e.type === 'agent_spawned' && e['agent_id'] === agent);
  await held.letGo(ticket);
  await page.until((e) => e.type === 'agent_finished' && e['agent_id'] === agent);
  const ids = { agent_id: agent, ticket_id: ticket, task_id: task };
  expect(page.events.filter((e) => e['agent_id'] === agent)).toMatchObject([
    { type: 'agent_spawned', ...ids, model: null },
    { type: 'checkpoint_update', ...ids, step: 'started', status: 'running', progress_pct: 5 },
    { type: 'checkpoint_update', ...ids, step: 'test.hold', status: 'allow', output: 'to be at work' },
    { type: 'agent_finished', ...ids, status: 'finished', output: 'let go' },
  ]);
  expect(page.events.find((e) => e.type === 'ticket_updated')).toMatchObject({
    ticket_id: ticket,
    action: 'ticket.created',
  });
  for (const e of page.events) expect(e).toMatchObject({ seq: expect.any(Number), at: expect.any(String) });
  const seqs = page.events.map((e) => e.seq);
  expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
  await server.call('POST', '/api/changes/request', { ticket_id: ticket, action: 'restart', target: 'web-1' });
  expect(await page.until((e) => e.type === 'change_pending')).toMatchObject({
    ticket_id: ticket,
    change_id: expect.any(Number),
  });
  page.ws.close();
});

test('that an agent is not heard of any more, how far one is, and how a tool is, are told as well', async () => {
  const page = await Page.open(server.token);
  const { ticket, agent } = await held.spawn();
  await held.is(agent, 'running');
  await server.owner.query(`update runs set heartbeat = now() - interval '2 hours' where number = $1`, [agent]);
  const told = await page.until((e) => e.type === 'agent_stalled');
  expect(told).toMatchObject({ agent_id: agent, ticket_id: ticket, idle_seconds: expect.any(Number) });
  expect(told['idle_seconds']).toBeGreaterThanOrEqual(7_200);
  const stall = () => server.owner.query(`select from log where kind = 'run.stalled'`);
  expect((await stall()).rowCount).toBe(1);
  await held.letGo(ticket);
  const down = await server.call('POST', '/api/tools', { name: 'away', url: 'https://127.0.0.1:9/mcp' });
  await server.call('POST', `/api/tools/${down.body.id}/check`, {});
  expect(await page.until((e) => e.type === 'tool_status_changed')).toMatchObject({
    tool_name: 'away',
    status: 'down',
  });
  expect((await stall()).rowCount).toBe(1);
  page.ws.close();
});

test('one that was away goes on where it was: nothing twice, nothing left out', async () => {
  const page = await Page.open(server.token);
  const create = () => server.call('POST', '/api/tickets', { title: 'x', auto_assign: false });
  for (let n = 0; n < 4; n += 1) await create();
  await until(() => Promise.resolve(page.events.length >= 4), 'four events');
  const seen = page.events[1]?.seq ?? 0;
  page.ws.close();
  await create();
  for (const query of [`?since=${seen}`, `?last_event_id=${seen}`]) {
    const again = await Page.open(server.token, { query });
    await until(() => Promise.resolve(again.events.length >= 3), 'what was missed');
    expect(again.events.slice(0, 2).map((e) => e.seq)).toEqual(page.events.slice(2, 4).map((e) => e.seq));
    again.ws.close();
  }
});

test('`ping` is answered with `pong`; anything else is not read', async () => {
  const page = await Page.open(server.token);
  page.ws.send('{"type":"agent_stopped"}');
  page.ws.send('ping');
  await until(() => Promise.resolve(page.texts.length), 'an answer');
  expect(page.texts).toEqual(['pong']);
  page.ws.send('x'.repeat(5_000));
  await until(() => Promise.resolve(page.closed), 'the end');
  expect(page.closed?.code).toBe(1009);
});

test('a tenant hears nothing of another; the credential of a run hears of its ticket alone', async () => {
  const other = await server.tenant();
  const [mine, theirs] = [await Page.open(server.token), await Page.open(other.token, { query: '?since=0' })];
  const own = await held.spawn();
  const bound = await Page.open(await runKey(server, own.agent));
  const { ticket, agent } = await held.spawn();
  await mine.until((e) => e.type === 'agent_spawned' && e['agent_id'] === agent);
  await held.letGo(own.ticket);
  await bound.until((e) => e.type === 'agent_finished');
  expect(new Set(bound.events.map((e) => e['ticket_id']))).toEqual(new Set([own.ticket]));
  await server.as(other.token)('POST', '/api/tickets', { title: 'theirs', auto_assign: false });
  await theirs.until((e) => e.type === 'ticket_updated');
  expect(theirs.events).toHaveLength(1);
  await held.letGo(ticket);
  for (const page of [mine, theirs, bound]) page.ws.close();
});

describe('who is let in', () => {
  test('nobody without a credential, 401; nobody without the scope, 403; in the words of this door', async () => {
    expect(await refusal('')).toMatchObject({
      status: 401,
      body: { error: expect.any(String), detail: expect.anything() },
    });
    expect(await refusal('acp_wrong')).toMatchObject({ status: 401 });
    expect(await refusal('', `?token=${server.token}`)).toMatchObject({ status: 401 });
    const { api_key: key, id: keyId } = (await server.call('POST', '/api-keys', { name: 'narrow' })).body.data;
    await server.owner.query(`update api_keys set scopes = '{tickets:read}' where id = $1`, [keyId]);
    expect(await refusal(key as string)).toMatchObject({ status: 403, body: { required_permission: 'agents:read' } });
    expect(await refusal(server.token, '?since=soon')).toMatchObject({ status: 400, body: { field: 'since' } });
  });

  test('no page of somebody else with the cookie of a browser', async () => {
    const user = await server.user('DEVELOPER');
    const tenant = { 'x-tenant-id': server.tenantId };
    const login = await server.as('')('POST', '/auth/token', { email: user.email, password: user.password }, tenant);
    const cookie = login.headers.get('set-cookie')?.split(';')[0] ?? '';
    expect(await refusal('', '', { cookie, origin: 'https://elsewhere.example' })).toMatchObject({ status: 403 });
    const own = await Page.open('', { headers: { cookie, origin: server.url } });
    own.ws.close();
  });

  test('asked for without an upgrade it is 426, whoever asks', async () => {
    const plain = await server.as('')('GET', '/api/agents/ws');
    expect([plain.status, plain.headers.get('upgrade')]).toEqual([426, 'websocket']);
    expect(plain.body).toMatchObject({ error: expect.stringContaining('WebSocket') });
  });

  test('another protocol that is offered is not taken: the request is answered as any other', async () => {
    const ask = (method: string, path: string, body = '') =>
      new Promise<number>((resolve, reject) => {
        const headers = {
          authorization: `Bearer ${server.token}`, connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQAAP__',
          ...(body && { 'content-type': 'application/json', 'content-length': String(body.length) }),
        }; // prettier-ignore
        request(`${server.url}${path}`, { method, headers }, (res) => resolve(res.resume().statusCode ?? 0))
          .once('error', reject)
          .end(body);
      });
    expect(await ask('GET', '/api/tickets')).toBe(200);
    expect(await ask('POST', '/api/tickets', '{"title":"over h2c","auto_assign":false}')).toBe(200);
  });

  test('an upgrade elsewhere is answered as a request for that', async () => {
    const status = await new Promise<number>((resolve) => {
      const ws = new WebSocket(`${server.url.replace('http', 'ws')}/api/agents/nothing/here`);
      ws.once('unexpected-response', (_req, res) => resolve(res.resume().statusCode ?? 0)).on('error', () => undefined);
    });
    expect(status).toBe(404);
  });
});

test('a connection does not outlive its credential by a second', async () => {
  const { id, api_key: key } = (await server.call('POST', '/api-keys', { name: 'watcher' })).body.data;
  const pages = [await Page.open(key as string), await Page.open(key as string)];
  await server.call('DELETE', `/api-keys/${id}`);
  const from = performance.now();
  await until(() => Promise.resolve(pages.every((p) => p.closed)), 'the end');
  expect(performance.now() - from).toBeLessThan(1_000);
  for (const page of pages)
    expect(page.closed).toMatchObject({ code: 1008, reason: expect.stringContaining('credential') });
});

test('it is in the document, as the contract has it', () => {
  const document = openapiDocument(operations, sockets) as { 'x-websockets': Record<string, unknown> };
  expect(Object.keys(document['x-websockets']).map(shapeOf)).toEqual(['/api/agents/ws', '/v1/ws']);
});

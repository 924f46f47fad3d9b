import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import type { Pool } from 'pg';
import { frameOf } from '../../api/handlers/aegis/feed';
import { appPool } from '../../db/pool';
import type { Entry } from '../../domain/log';
import { system } from '../../domain/principal';
import { loadKeyring } from '../../log/keys';
import { createStore } from '../../log/store';
import { startServer, until, type Server } from '../harness';

let server: Server;
beforeAll(async () => void (server = await startServer({}, { worker: false })));
afterAll(() => server.close());

interface Frame {
  event?: string;
  id?: string;
  data: any;
}

/** A browser's end of the stream. */
class Stream {
  readonly frames: Frame[] = [];
  status = 0;
  ended = false;
  private rest = '';
  private res: IncomingMessage | null = null;
  private constructor(private readonly req: ClientRequest) {}

  static async open(
    token: string,
    { query = '', headers = {} }: { query?: string; headers?: Record<string, string> } = {},
  ): Promise<Stream> {
    const req = request(`${server.url}/events/stream${query}`, {
      headers: { ...(token && { authorization: `Bearer ${token}` }), ...headers },
    });
    const stream = new Stream(req);
    const res = await new Promise<IncomingMessage>((resolve, reject) =>
      req.once('response', resolve).once('error', reject).end(),
    );
    stream.res = res;
    stream.status = res.statusCode ?? 0;
    res.setEncoding('utf8').on('data', (text: string) => stream.read(text));
    res.on('close', () => (stream.ended = true)).on('error', () => (stream.ended = true));
    req.on('error', () => (stream.ended = true));
    if (stream.status === 200) {
      expect(res.headers['content-type']).toContain('text/event-stream');
      await stream.until((f) => f.event === 'connected');
    }
    return stream;
  }

  private read(text: string): void {
    const parts = (this.rest + text).split('\n\n');
    this.rest = parts.pop() ?? '';
    for (const part of parts) {
      const lines = part.split('\n').map((line) => /^(\w+): (.*)$/.exec(line)?.slice(1) ?? ['', '']);
      const fields = Object.fromEntries(lines) as { data: string };
      this.frames.push({ ...fields, data: JSON.parse(fields.data) });
    }
  }

  until(fits: (f: Frame) => boolean): Promise<Frame> {
    return until(() => Promise.resolve(this.frames.find(fits)), 'a frame');
  }
  get entries(): Frame[] {
    return this.frames.filter((f) => f.event === undefined);
  }
  /** Takes nothing from its socket any more; the kernel still does, until it is full. */
  pause(): void {
    this.res?.pause();
  }
  resume(): void {
    this.res?.resume();
  }
  close(): void {
    this.req.destroy();
  }
}

const ticket = async (title: string): Promise<number> =>
  (await server.call('POST', '/api/tickets', { title, auto_assign: false })).body.id as number;
const engage = (method: 'POST' | 'DELETE') =>
  server.call(method, `/decision/kill-switch/${server.tenantId}`, method === 'POST' ? { reason: 'drill' } : undefined);

test('connected first; then what happens, with its place in the log', async () => {
  const stream = await Stream.open(server.token);
  expect(stream.frames[0]).toMatchObject({
    event: 'connected',
    data: { status: 'connected', tenant_id: server.tenantId },
  });
  await ticket('seen live');
  const frame = await stream.until((f) => f.data.type === 'ticket_created');
  expect(frame).toEqual({
    id: expect.stringMatching(/^\d+$/),
    data: { tenant_id: server.tenantId, type: 'ticket_created', data: expect.any(Object), ts: expect.any(Number) },
  });
  expect(Math.abs(frame.data.ts - Date.now() / 1000)).toBeLessThan(60);
  const { items } = (await server.call('GET', '/audit/logs?action=ticket_created')).body.data;
  expect([Number(frame.id), frame.data.data.audit_id]).toEqual([items[0].seq, items[0].id]);
  stream.close();
});

test('types have the names that the feed knows', async () => {
  const stream = await Stream.open(server.token);
  await engage('POST');
  expect((await stream.until((f) => f.data.type === 'kill_switch')).data.data).toMatchObject({
    tenant_id: server.tenantId,
    engaged: true,
    tenant_wide: true,
    reason: 'drill',
  });
  await engage('DELETE');
  await stream.until((f) => f.data.type === 'kill_switch' && f.data.data.engaged === false);
  const { id } = (await server.call('POST', '/api-keys', { name: 'short-lived' })).body.data;
  await server.call('DELETE', `/api-keys/${id}`);
  expect((await stream.until((f) => f.data.type === 'key_revoked')).data.data.subject).toEqual({ kind: 'api_key', id });
  stream.close();
});

test('Last-Event-ID goes on where a reader was: nothing twice, nothing left out', async () => {
  const first = await Stream.open(server.token);
  for (let i = 0; i < 5; i += 1) await ticket(`before ${i}`);
  await until(() => Promise.resolve(first.entries.length >= 5), 'five entries');
  const { id = '' } = first.entries[2] ?? {};
  first.close();
  await ticket('while away');
  const second = await Stream.open(server.token, { headers: { 'last-event-id': id } });
  await ticket('after');
  await until(() => Promise.resolve(second.entries.length >= 4), 'four entries');
  const ids = second.entries.map((f) => Number(f.id));
  expect(ids).toEqual(ids.map((_, i) => Number(id) + 1 + i));
  second.close();

  const all = await Stream.open(server.token, { headers: { 'last-event-id': '0' } });
  const { total } = (await server.call('GET', '/audit/logs')).body.data;
  await until(() => Promise.resolve(all.entries.length >= total), 'the whole log');
  expect(all.entries.map((f) => Number(f.id))).toEqual(Array.from({ length: total as number }, (_, i) => i + 1));
  all.close();
});

test('an id that was never sent is 400; one beyond the end goes on from the end', async () => {
  expect((await Stream.open(server.token, { headers: { 'last-event-id': 'seven' } })).status).toBe(400);
  const stream = await Stream.open(server.token, { headers: { 'last-event-id': '999999999' } });
  await ticket('still heard');
  await stream.until((f) => f.data.type === 'ticket_created');
  stream.close();
});

test('one agent only; an agent of another tenant is as unknown as none', async () => {
  const agents = async (tenantId: string) =>
    (await server.owner.query<{ id: string }>('select id from agents where tenant_id = $1', [tenantId])).rows[0]?.id ??
    '';
  const mine = await agents(server.tenantId);
  const other = await server.tenant();
  for (const id of [await agents(other.tenantId), '01890000-0000-7000-8000-0000000000ff']) {
    expect((await Stream.open(server.token, { query: `?agent_id=${id}` })).status).toBe(404);
  }
  const developer = await server.user('DEVELOPER');
  const asDeveloper = async () => {
    const opened = await Stream.open(developer.token, { query: `?agent_id=${mine}` });
    opened.close();
    return opened.status;
  };
  expect(await asDeveloper()).toBe(403); // somebody else's
  await server.owner.query('update agents set owner_id = $2 where id = $1', [mine, developer.email]);
  expect(await asDeveloper()).toBe(200);
  const stream = await Stream.open(server.token, { query: `?agent_id=${mine}` });
  expect(stream.frames[0]?.data.agent_id).toBe(mine);
  await ticket('of nobody');
  await server.call('POST', '/api-keys', { name: 'of the agent', agent_id: mine });
  await stream.until((f) => f.data.type === 'api_key_created');
  expect(stream.entries.map((f) => f.data.type)).toEqual(['api_key_created']);
  stream.close();
});

test('a tenant hears nothing of another', async () => {
  const other = await server.tenant();
  const theirs = await Stream.open(other.token, { headers: { 'last-event-id': '0' } });
  const mine = await Stream.open(server.token);
  await ticket('mine');
  await mine.until((f) => f.data.type === 'ticket_created');
  await server.as(other.token)('POST', '/api/tickets', { title: 'theirs', auto_assign: false });
  await theirs.until((f) => f.data.type === 'ticket_created');
  expect(new Set(theirs.entries.map((f) => f.data.tenant_id))).toEqual(new Set([other.tenantId]));
  [mine, theirs].forEach((stream) => stream.close());
});

describe('a reader that takes nothing', () => {
  const broken: Error[] = [];
  let pool: Pool;
  /** More than the kernel holds for a connection, sixteen entries of a megabyte. */
  let flood: (tenantId: string) => Promise<unknown>;
  beforeAll(async () => {
    const { masterKey, databaseUrl } = server.config;
    if (!masterKey || !databaseUrl) throw new Error('an installation without a key or a database');
    pool = appPool(databaseUrl, 2, (e) => broken.push(e));
    const store = createStore(pool, await loadKeyring(pool, masterKey));
    flood = (tenantId) =>
      store.write(tenantId, (tx) => {
        for (let i = 0; i < 16; i += 1)
          tx.log({ kind: 'ticket.noted', actor: system, subject: { kind: 'ticket', id: `${i}` }, body: { text: 'x'.repeat(2 ** 20) } }); // prettier-ignore
        return Promise.resolve();
      });
  });
  afterAll(() => pool.end());

  test('is dropped, told where it was, and goes on from there; others hear everything meanwhile', async () => {
    const { tenantId, token } = await server.tenant();
    const [slow, quick] = [await Stream.open(token), await Stream.open(token)];
    const before = Number(slow.frames[0]?.id);
    const drops = async (): Promise<number> => {
      const { text } = await server.as('')('GET', '/metrics', undefined, {
        'x-metrics-token': 'metrics-token-of-tests',
      });
      return Number(/^wheelhouse_event_streams_dropped_total (\d+)$/m.exec(text)?.[1]);
    };
    const dropped = await drops();
    slow.pause();
    await flood(tenantId);
    await until(() => Promise.resolve(quick.entries.length >= 16), 'all of them at who reads');
    await until(async () => (await drops()) > dropped, 'the drop');
    slow.resume();
    const last = await slow.until((f) => f.event === 'dropped');
    await until(() => Promise.resolve(slow.ended), 'the end');
    expect(last.data).toEqual({ reason: 'slow_reader', last_event_id: slow.entries.at(-1)?.id });
    const at = Number(last.data.last_event_id);
    expect(at).toBeLessThan(before + 16);
    const again = await Stream.open(token, { headers: { 'last-event-id': String(at) } });
    await until(() => Promise.resolve(again.entries.length >= before + 16 - at), 'what it missed');
    expect(again.entries.map((f) => Number(f.id))).toEqual(
      Array.from({ length: before + 16 - at }, (_, i) => at + 1 + i),
    );
    expect(quick.ended).toBe(false);
    [quick, again].forEach((stream) => stream.close());
  });
});

test('a governed call is told as what it came to, its risk and its habits; the last of them names the place', () => {
  const { tenantId } = server;
  const entry: Entry = {
    tenantId, seq: 7, id: 'e', at: '2031-01-01T00:00:00.000000Z', kind: 'execution.deny', actor: system,
    subjectKind: 'execution', subjectId: 's', version: null, transition: null, ticketId: null, runId: null, agentId: 'a',
    tool: 't', decision: 'deny', reason: 'r', requestId: 'q', correlationId: null, digest: '', prevHash: '', hash: '',
    chainShard: 0, eventPrev: '', eventHash: '', body: { risk_score: 0.9, findings: ['attack_chain_match'], policy_id: 'p' },
  }; // prettier-ignore
  const types = (e: Partial<Entry>): string[] =>
    [...frameOf({ ...entry, ...e }).matchAll(/"type":"(\w+)"/g)].map(([, type]) => type ?? '');
  const agent = (was: string, said: object) => ({ kind: 'agent.updated', body: { was, said } });
  const told: [string[], Partial<Entry>][] = [
    [['policy_decision', 'risk_updated', 'behavior_flagged'], {}],
    [['tool_executed'], { kind: 'execution.allow', decision: 'allow', body: { risk_score: 0.5, findings: [] } }],
    [['approval_required'], { kind: 'gate.requested' }],
    [['approval_resolved'], { kind: 'gate.rejected' }],
    [['incident_updated'], { kind: 'incident.moved' }],
    [['agent_created'], { kind: 'agent.registered' }],
    [['agent_changed'], agent('ACTIVE', { description: 'other' })],
    [['agent_quarantined'], agent('ACTIVE', { status: 'QUARANTINED' })],
    [['agent_quarantine_released'], agent('QUARANTINED', { status: 'ACTIVE' })],
    [['agent_deleted'], { kind: 'agent.deleted' }],
    [['quota_warning'], { kind: 'quota.warning' }],
    [['ticket_created'], { kind: 'ticket.created' }],
  ];
  for (const [expected, e] of told) expect(types(e)).toEqual(expected);
  expect(frameOf(entry).match(/^id: /gm)).toHaveLength(1);
  expect(frameOf(entry).split('\n\n').at(-2)).toMatch(/^id: 7\n/);
});

test('no credential is 401, without the scope 403, and a query token is none', async () => {
  expect((await Stream.open('')).status).toBe(401);
  expect((await Stream.open('', { query: `?token=${server.token}` })).status).toBe(401);
  const agent = (
    await server.owner.query<{ id: string }>('select id from agents where tenant_id = $1', [server.tenantId])
  ).rows[0]?.id;
  const { api_key: key } = (await server.call('POST', '/api-keys', { name: 'agent', agent_id: agent })).body.data;
  expect((await Stream.open(key)).status).toBe(403);
});

describe('a stream does not outlive its credential', () => {
  const endsWithin = async (stream: Stream, act: () => Promise<unknown>): Promise<void> => {
    await act();
    const from = performance.now();
    await until(() => Promise.resolve(stream.ended), 'the stream to end', 10_000);
    expect(performance.now() - from).toBeLessThan(1_000);
    expect(stream.frames.at(-1)).toMatchObject({ event: 'auth_expired', data: { reason: expect.any(String) } });
  };

  test('a revoked key', async () => {
    const { id, api_key: key } = (await server.call('POST', '/api-keys', { name: 'watcher' })).body.data;
    const [one, two] = [await Stream.open(key), await Stream.open(key)];
    await Promise.all([
      endsWithin(one, () => server.call('DELETE', `/api-keys/${id}`)),
      endsWithin(two, () => Promise.resolve()),
    ]);
  });

  test('an expired key', async () => {
    const { id, api_key: key } = (await server.call('POST', '/api-keys', { name: 'expiring' })).body.data;
    await endsWithin(await Stream.open(key), () =>
      server.owner.query('update api_keys set expires_at = now() where id = $1', [id]),
    );
  });

  test('a user who was deactivated, listening with a cookie', async () => {
    const user = await server.user('DEVELOPER');
    const tenant = { 'x-tenant-id': server.tenantId };
    const login = await server.as('')('POST', '/auth/token', { email: user.email, password: user.password }, tenant);
    const cookie = login.headers.get('set-cookie')?.split(';')[0] ?? '';
    const stream = await Stream.open('', { headers: { ...tenant, cookie } });
    await endsWithin(stream, () => server.owner.query('update users set is_active = false where id = $1', [user.id]));
  });

  test('a role that lost the right', async () => {
    const user = await server.user('DEVELOPER');
    const stream = await Stream.open(user.token);
    await endsWithin(stream, () => server.owner.query(`update users set role = 'analyst' where id = $1`, [user.id]));
  });
});

test('whoever leaves is left: the log is read for nobody', async () => {
  const streams = await Promise.all(Array.from({ length: 20 }, () => Stream.open(server.token)));
  streams.forEach((stream) => stream.close());
  // A look every quarter of a second would show.
  await until(async () => {
    const { rows } = await server.owner.query<{ quiet: boolean }>(
      `select max(query_start) < clock_timestamp() - interval '1 second' as quiet from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid()`,
    );
    return rows[0]?.quiet;
  }, 'nobody to read the log');
});

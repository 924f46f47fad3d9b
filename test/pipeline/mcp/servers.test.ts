import { BadGateway, type DomainError } from '../../../domain/errors';
import type { ListedTool } from '../../../domain/tool-server';
import { createLogger } from '../../../log/logger';
import { callTool, type Asked } from '../../../pipeline/mcp/call';
import { Connections, type ConnectionSettings, type Endpoint } from '../../../pipeline/mcp/connections';
import { listingOf } from '../../../pipeline/mcp/listing';
import { fitsSchema } from '../../../pipeline/mcp/schemas';
import { stubMcp, type StubMcp } from '../../stub-mcp';
import { lives, until } from '../../until';

// Tool servers as they are: dead, slow, lying, flooding; over both transports.

let stub: StubMcp;
let open: Connections[] = [];
beforeAll(async () => void (stub = await stubMcp()));
afterEach(async () => {
  await Promise.all(open.map((c) => c.close()));
  open = [];
  stub.does({});
});
afterAll(() => stub.close());

const usual: ConnectionSettings = {
  allowPrivate: true,
  maxBytes: 1024 * 1024,
  connectMs: 5_000,
  idleMs: 60_000,
  mostChildren: 4,
};
const watched = new Set<number>();
const connections = (changes: Partial<ConnectionSettings> = {}): Connections => {
  const made = new Connections(
    { ...usual, ...changes },
    {
      watch(groupId) {
        watched.add(groupId);
        return () => watched.delete(groupId);
      },
      close: () => undefined,
    },
    createLogger('silent', 'test'),
  );
  open.push(made);
  return made;
};

const http = (): Endpoint => ({ kind: 'http', url: stub.url, headers: { authorization: 'Bearer of-the-server' } });
const stdio = (env: Record<string, string> = {}): Endpoint => ({
  kind: 'stdio',
  program: { ...stub.program, cwd: '/', env: { PATH: process.env['PATH'] ?? '', ...env } },
});
const both = [['http', http], ['stdio', stdio]] as const; // prettier-ignore

const never = (): AbortSignal => new AbortController().signal;
const use = (endpoint: () => Endpoint, key = 'one') => ({ key, endpoint, signal: never() });
const look = (c: Connections, endpoint: () => Endpoint, timeout = 5_000): Promise<ListedTool[]> =>
  c.use(use(endpoint), (client) => listingOf(client, { timeout, signal: never() }));
const call = async (c: Connections, endpoint: () => Endpoint, name: string, changes: Partial<Asked> = {}) => {
  const listed = await look(c, endpoint);
  const tool = listed.find((t) => t.name === name);
  if (!tool) throw new Error(`${name} is not listed`);
  const asked: Asked = {
    full: `stub.${name}`, tool, args: { host: 'web-1' }, effect: null, timeoutMs: 2_000, signal: never(),
    onChanged: () => Promise.resolve(), ...changes,
  }; // prettier-ignore
  return c.use(use(endpoint), (client) => callTool(client, asked));
};
const refusal = (work: Promise<unknown>): Promise<DomainError> =>
  work.then(
    () => Promise.reject(new Error('it was not refused')),
    (e: DomainError) => e,
  );
const begun = (): number[] => stub.pids().slice(-2);
const allGone = (pids: readonly number[]) => until('its processes end', () => !pids.some(lives));

describe.each(both)('over %s', (kind, endpoint) => {
  test('tools are listed and called, and what the call is known by goes along', async () => {
    const c = connections();
    expect((await look(c, endpoint)).map((t) => [t.name, t.problem, t.annotations.readOnlyHint ?? false])).toEqual([
      ['lookup', null, true],
      ['restart', null, false],
    ]);
    expect(await call(c, endpoint, 'lookup')).toEqual({
      content: [{ type: 'text', text: 'lookup web-1' }],
      structured_content: { owner: 'ann' },
    });
    await call(c, endpoint, 'restart', { effect: { key: 'run:3', attempt: 1, fence: 1 } });
    expect(stub.seen().findLast((s) => s.tool === 'restart')).toEqual({
      tool: 'restart',
      args: { host: 'web-1' },
      meta: { 'wheelhouse/idempotency-key': 'run:3', 'wheelhouse/attempt': 1 },
    });
  });

  test('one that dies in a call fails that call, and the next begins anew', async () => {
    const c = connections();
    stub.does({ call: 'die' });
    expect(await refusal(call(c, endpoint, 'lookup'))).toBeInstanceOf(BadGateway);
    stub.does({});
    expect(await call(c, endpoint, 'lookup')).toMatchObject({ structured_content: { owner: 'ann' } });
  });

  test('one that never answers is given up on in time, and is not used again', async () => {
    const c = connections();
    stub.does({ call: 'hang' });
    const from = performance.now();
    const e = await refusal(call(c, endpoint, 'lookup', { timeoutMs: 400 }));
    expect([e.code, e.message]).toEqual(['BadGateway', expect.stringContaining('timed out')]);
    expect(performance.now() - from).toBeLessThan(4_000);
    if (kind === 'stdio') await allGone(begun());
    stub.does({ list: 'hang' });
    expect((await refusal(look(c, endpoint, 300))).message).toContain('timed out');
    stub.does({ list: 'die' });
    expect(await refusal(look(c, endpoint, 5_000))).toBeInstanceOf(BadGateway);
  });

  test('one that floods is broken off, and what is too much to keep is refused', async () => {
    const c = connections();
    stub.does({ call: 'flood' });
    const from = performance.now();
    const e = await refusal(call(c, endpoint, 'restart', { timeoutMs: 20_000 }));
    expect([e.code, e.message]).toEqual(['BadGateway', expect.stringMatching(/1048576 bytes/)]);
    expect(performance.now() - from).toBeLessThan(10_000); // at once, not when the time is over
    stub.does({ call: 'much' });
    expect((await refusal(call(c, endpoint, 'restart'))).code).toBe('TooLarge');
    stub.does({ list: 'endless' });
    expect((await refusal(look(c, endpoint))).message).toContain('more than 20 pages');
    stub.does({ list: 'many' });
    const asked = performance.eventLoopUtilization();
    expect((await refusal(look(c, endpoint))).message).toContain('more than 200 tools');
    expect(performance.eventLoopUtilization(asked).active).toBeLessThan(2_000); // none of them was looked at
  });

  test('an answer that is not as declared is none; a refusal is told without secrets', async () => {
    const c = connections();
    stub.does({ call: 'lie' });
    expect((await refusal(call(c, endpoint, 'lookup'))).message).toMatch(
      /answered otherwise than it declares: .*owner must be string/,
    );
    stub.does({ call: 'refuse' });
    const { message } = await refusal(call(c, endpoint, 'restart'));
    expect(message).toBe('stub.restart failed: no such host; [password removed]');
  });

  test('a tool that became another since it was meant is not called', async () => {
    const c = connections();
    const before = await look(c, endpoint);
    stub.does({ tools: 'changed' });
    const calls = stub.calls().length;
    let told: readonly ListedTool[] = [];
    const asked: Asked = {
      full: 'stub.restart', tool: before.find((t) => t.name === 'restart')!, args: { host: 'web-1' }, effect: null, timeoutMs: 2_000,
      signal: never(), onChanged: (now) => Promise.resolve(void (told = now)),
    }; // prettier-ignore
    const e = await refusal(c.use(use(endpoint), (client) => callTool(client, asked)));
    expect([e.code, e.message]).toEqual(['Conflict', expect.stringContaining('no longer what its server said')]);
    expect(stub.calls()).toHaveLength(calls);
    expect(told.find((t) => t.name === 'restart')?.description).toBe('Restarts a host, and its neighbours.');
  });

  test('an answer in another form is told in words, not as a library has them', async () => {
    stub.does({ list: 'other-form' });
    const { message } = await refusal(look(connections(), endpoint));
    expect(message).toMatch(/^it does not speak the protocol: tools: /);
    expect(message).not.toMatch(/[{}\[\]]|invalid_type/);
  });

  test('tools that are ill-formed say so, and hide none of the others', async () => {
    stub.does({ tools: 'ill-formed' });
    const listed = await look(connections(), endpoint);
    expect(listed.map((t) => [t.name, t.problem === null])).toEqual([
      ['lookup', true], ['restart', true], ['broken', false], ['text', false], ['a b', false],
    ]); // prettier-ignore
    expect(listed[2]?.problem).toContain('inputSchema');
  });
});

test('a pattern that takes for ever holds nobody up', async () => {
  stub.does({ tools: 'slow-pattern' });
  const listed = await look(connections(), http);
  const { digest, inputSchema } = listed.find((t) => t.name === 'match')!;
  const from = performance.now();
  expect(fitsSchema(`${digest}:inputSchema`, inputSchema)({ q: 'a'.repeat(60) })).toContain('could not be checked');
  expect(performance.now() - from).toBeLessThan(2_000);
});

test('its processes end with the connection: also one that does not want to, and what it began', async () => {
  stub.does({ stubborn: true });
  const c = connections();
  await look(c, stdio);
  const pids = begun();
  expect(pids.map(lives)).toEqual([true, true]);
  expect(watched).toContain(pids[0]);
  await c.close();
  expect(pids.map(lives)).toEqual([false, false]);
  expect(watched.size).toBe(0);
});

test('one that nobody uses is ended, one that is only looked at is not kept, and there are no more than allowed', async () => {
  const c = connections({ idleMs: 100 });
  await look(c, stdio);
  await allGone(begun());
  const looking = connections({ mostChildren: 1 });
  const passing = { ...use(stdio), passing: true };
  await looking.use(passing, (client) => listingOf(client, { timeout: 5_000, signal: never() }));
  await allGone(begun());
  await looking.use(use(stdio, 'first'), async () => {
    const second = looking.use(use(stdio, 'second'), () => Promise.resolve());
    expect((await refusal(second)).message).toContain('try later');
  });
  const [first] = begun();
  await looking.use(use(stdio, 'second'), () => Promise.resolve()); // in place of the one that nobody uses
  await until('the first ends', () => !lives(first ?? 0));
});

test('the environment is what was said, and nothing of ours', async () => {
  process.env['WHEELHOUSE_TEST_SECRET'] = 'ours';
  try {
    await look(connections(), () => stdio({ OWN: '1' }));
  } finally {
    delete process.env['WHEELHOUSE_TEST_SECRET'];
  }
  expect(stub.seen().findLast((s) => s.env)?.env).toEqual(['OWN', 'PATH']);
});

test('a command that is not there, and a server that refuses us, redirects or is at an address that nobody may reach', async () => {
  const missing: Endpoint = { kind: 'stdio', program: { command: '/no/such/program', args: [], cwd: '/', env: {} } };
  expect((await refusal(look(connections(), () => missing))).message).toContain('ENOENT');
  stub.does({ http: 403 });
  expect((await refusal(look(connections(), http))).message).not.toContain('abcdefgh12345');
  stub.does({ http: 302 });
  expect(await refusal(look(connections(), http))).toBeInstanceOf(BadGateway);
  stub.does({});
  const before = stub.seen().length;
  expect((await refusal(look(connections({ allowPrivate: false }), http))).message).toContain('is not allowed');
  for (const url of ['http://[::127.0.0.1]:9/', 'http://169.254.169.254/', 'http://[fd00:ec2::254]/'])
    for (const allowPrivate of url.includes('127') ? [false] : [false, true])
      expect((await refusal(look(connections({ allowPrivate }), () => ({ kind: 'http', url, headers: {} })))).message).toContain('is not allowed'); // prettier-ignore
  expect(stub.seen()).toHaveLength(before);
  await look(connections(), http);
  expect(stub.seen().at(-1)?.authorization).toBe('Bearer of-the-server');
});

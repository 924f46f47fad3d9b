import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build, type BuildOptions } from 'esbuild';
import { WebSocket } from 'ws';
import { root } from '../../config';
import { chromiumPath, openPages } from '../../proofs/pages/browser';
import { startServer, until, type Server } from '../harness';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'wheelhouse-sdk-'));
let s: Server;
// The package as it is published; its types are checked below, in a project of their own.
let sdk: any;
let client: any;

/** What a call is refused with; null: it is not. */
const failed = async (call: Promise<unknown>): Promise<any> => {
  try {
    await call;
    return null;
  } catch (error) {
    return error;
  }
};
/** Packs it as it would be published, and installs that into an empty project, under its own name and under the seed's. */
async function install(): Promise<void> {
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], {
    cwd: join(root, 'sdk/typescript'),
    maxBuffer: 2 ** 24,
  });
  const [{ filename }] = JSON.parse(stdout.slice(stdout.indexOf('[\n'))) as [{ filename: string }];
  const dependencies = { '@wheelhouse/sdk': `file:${filename}`, '@agent-orchestration/sdk': `file:${filename}` };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'fresh', private: true, dependencies }));
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder });
}
/** Runs a program of that project, and answers what it printed. */
async function program(name: string, text: string, env: Record<string, string> = {}): Promise<string> {
  writeFileSync(join(folder, name), text);
  const { stdout } = await run(process.execPath, [name], { cwd: folder, env: { ...process.env, ...env } });
  return stdout.trim();
}
/** A bundle for browsers; the size is that of the code as it would be sent. */
async function bundle(text: string, options: BuildOptions = {}): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: text, resolveDir: folder },
    bundle: true, minify: true, write: false, platform: 'browser', format: 'esm', target: 'es2022', ...options,
  }); // prettier-ignore
  return outputFiles?.[0]?.text ?? '';
}

beforeAll(async () => {
  [s] = await Promise.all([startServer(), install()]);
  sdk = createRequire(join(folder, 'x.js'))('@wheelhouse/sdk');
  client = new sdk.Wheelhouse({ apiKey: s.token, baseUrl: s.url });
}, 240_000);
afterAll(async () => {
  await s.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('the package', () => {
  test('needs nothing, and has what it says: no file that its maps name is missing', () => {
    const at = join(folder, 'node_modules/@wheelhouse/sdk');
    const { dependencies, exports: maps } = JSON.parse(readFileSync(join(at, 'package.json'), 'utf8'));
    expect(dependencies).toBeUndefined();
    for (const { types, default: code } of Object.values<any>(maps['.']))
      for (const file of [types, code]) expect(statSync(join(at, file)).size).toBeGreaterThan(100);
  });

  test('is typed, imported and required', async () => {
    const use = `
      const c = new Wheelhouse({ apiKey: 'k' });
      export async function use() {
        const title: string = (await c.request('GET', '/api/tickets/{ticket_id}', { path: { ticket_id: 1 } })).title;
        const ticket = await c.tickets.get(1);
        const name: string = ticket.ticketClass;
        const listed: { title: string }[] = await c.tickets.list({ sortBy: 'title' });
        for await (const gate of c.gates.list()) { const by: string | null = gate.approvedBy; void by; }
        // @ts-expect-error there is no such path
        await c.request('GET', '/api/nothing');
        // @ts-expect-error it has no such method
        await c.request('DELETE', '/api/tickets');
        // @ts-expect-error the path has to be filled
        await c.request('GET', '/api/tickets/{ticket_id}');
        // @ts-expect-error a title is needed
        await c.tickets.create({});
        // @ts-expect-error names are in camel case
        void ticket.ticket_class;
        return [title, name, listed];
      }`;
    writeFileSync(join(folder, 'use.mts'), `import { Wheelhouse } from '@wheelhouse/sdk';${use}`);
    writeFileSync(
      join(folder, 'use.cts'),
      `import sdk = require('@wheelhouse/sdk');\nimport Wheelhouse = sdk.Wheelhouse;${use}`,
    );
    const options = { strict: true, noEmit: true, module: 'node16', target: 'es2022', lib: ['es2022', 'dom', 'dom.iterable'], types: [] }; // prettier-ignore
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: options, files: ['use.mts', 'use.cts'] }),
    );
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const { stdout } = await run(process.execPath, [tsc, '-p', folder]).catch((e: { stdout: string }) => e);
    expect(stdout).toBe('');
    const says = 'console.log(Object.keys(sdk).sort().join())';
    const [imported, required] = await Promise.all([
      program('imports.mjs', `import * as sdk from '@wheelhouse/sdk';\n${says}`),
      program('requires.cjs', `const sdk = require('@wheelhouse/sdk');\n${says}`),
    ]);
    expect(imported).toContain('AgentOrchestrationClient');
    expect(required).toBe(imported);
  });

  test('is bundled for browsers without a part of Node, and one group does not bring the others', async () => {
    const [whole, one, errors] = await Promise.all([
      bundle(`export * from '@wheelhouse/sdk';`),
      bundle(`import { Connection, Gates } from '@wheelhouse/sdk'; globalThis.gates = new Gates(new Connection());`),
      bundle(`import { NotFoundError } from '@wheelhouse/sdk'; globalThis.e = NotFoundError;`),
    ]);
    expect(one).toContain('/api/changes/');
    expect(one).not.toContain('/audit/logs');
    expect(one.length).toBeLessThan(whole.length * 0.75);
    expect(errors.length).toBeLessThan(one.length / 2);
  });
});

describe('against a server', () => {
  const ticket = (title: string) => client.tickets.create({ title, autoAssign: false, accessScope: { own_name: 1 } });

  test('names are JavaScript’s both ways, but those that are the caller’s', async () => {
    const made = await ticket('named');
    expect(made).toMatchObject({ ticketClass: 'UserRequest', accessScope: { own_name: 1 } });
    expect(await client.tickets.get(made.id)).toMatchObject({ title: 'named', accessScope: { own_name: 1 } });
    expect(await client.request('GET', '/api/tickets/{ticket_id}', { path: { ticket_id: made.id } })).toMatchObject({
      ticket_class: 'UserRequest',
    });
  });

  test('a list is an array, or all of its pages one after the other', async () => {
    for (const n of [1, 2, 3, 4, 5]) await ticket(`paged ${n}`);
    const list = () => client.tickets.list({ q: 'paged', limit: 2, sortBy: 'title', sortDir: 'asc' });
    const first = await list();
    expect([Array.isArray(first), first.length, (await list().page()).total]).toEqual([true, 2, 5]);
    const seen: string[] = [];
    for await (const { title } of list()) {
      seen.push(title);
      // What comes in at the front meanwhile is not given twice, nor does it hide another.
      if (seen.length === 2) await ticket('paged 0');
    }
    expect(seen).toEqual([1, 2, 3, 4, 5].map((n) => `paged ${n}`));
    expect(await list().all(3)).toHaveLength(3);
  });

  test('a gate is asked for, seen, and decided once', async () => {
    const { id } = await ticket('gated');
    const { changeId } = await client.gates.request({ ticketId: id, action: 'restart', target: 'web-1' });
    expect((await client.gates.pending()).map((gate: { id: number }) => gate.id)).toContain(changeId);
    expect(await failed(client.gates.approve(changeId))).toMatchObject({
      name: 'PermissionError',
      message: 'nobody approves their own request',
    });
    const other = new sdk.Wheelhouse({ apiKey: (await s.user('ADMIN')).token, baseUrl: `${s.url}/v1/` });
    expect(await other.gates.approve(changeId, 'looked at it')).toMatchObject({ status: 'approved' });
    expect(await failed(other.gates.reject(changeId))).toBeInstanceOf(sdk.ConflictError);
    expect(await client.gates.get(changeId)).toMatchObject({ status: 'approved', target: 'web-1' });
  });

  test('an agent works on a ticket, is told something, and is stopped', async () => {
    const { id } = await ticket('worked on');
    const { agentId } = await client.runs.start({ ticketId: id });
    expect(await client.runs.steer(agentId, 'look at the logs first')).toMatchObject({ ticketId: id });
    await client.runs.stop(agentId, 'enough').catch((e: unknown) => expect(e).toBeInstanceOf(sdk.ConflictError));
    expect((await client.runs.list({ ticketId: id }))[0]).toMatchObject({ id: agentId });
  });

  test('an investigation is run, and its trace is a page', async () => {
    const { id } = await ticket('investigated');
    const { investigationId } = await client.investigations.run({ ticketId: id });
    await until(async () => (await client.investigations.get(investigationId)).status === 'COMPLETED', 'its end');
    expect(await client.investigations.trace(investigationId)).toMatch(/^<!doctype html>/i);
    expect((await client.investigations.list())[0].investigationId).toBe(investigationId);
    expect(Array.isArray(await client.investigations.recommendations())).toBe(true);
  });

  test('a tool is called, and the call is in the log', async () => {
    const { data } = (
      await s.call('POST', '/agents', { name: 'caller', description: 'Calls a tool for the SDK', owner_id: 'dana' })
    ).body;
    await s.call('POST', `/agents/${data.id}/permissions`, { tool_name: 'web_search' });
    const done = await client.execution.run({ tool: 'web_search', arguments: { some_name: 1 }, agentId: data.id });
    expect(done).toMatchObject({ action: 'allow', agentId: data.id });
    expect((await client.audit.list({ agentId: data.id, tool: 'web_search' }))[0]).toMatchObject({ id: done.auditId });
    const found = await client.audit.search({ agentId: data.id, metadataFilter: { policy_id: 'wheelhouse.tools' } });
    expect(found[0]).toMatchObject({ id: done.auditId, metadataJson: { policy_id: 'wheelhouse.tools' } });
    const refused = await client.execution.run({ tool: 'no_such_tool', agentId: data.id }).catch((e: unknown) => e);
    expect(refused).toBeInstanceOf(sdk.PermissionError);
    expect(refused.body.data).toMatchObject({ action: 'deny' });
    expect(await client.audit.verify()).toMatchObject({ valid: true });
  });

  test('a refusal says what every door says of it', async () => {
    const nobody = new sdk.Wheelhouse({ apiKey: 'acp_nobody', baseUrl: s.url });
    expect(await failed(nobody.tickets.list().page())).toBeInstanceOf(sdk.AuthenticationError);
    const missing = await failed(client.tickets.get(2_000_000_000));
    expect([missing.constructor, missing.status, missing instanceof sdk.ApiError]).toEqual([sdk.NotFoundError, 404, true]); // prettier-ignore
    expect(missing.requestId).toEqual(expect.any(String));
    const wrong = [
      [client.request('GET', '/api/v1/agent-ops/registry', { query: { limit: 'x' } }), 'limit'],
      [client.request('POST', '/api/v1/ops-agent/investigations/run', { body: { mode: 'x' } }), 'mode'],
      [client.request('GET', '/audit/logs', { query: { limit: 'x' } }), 'limit'],
      [client.request('GET', '/api/tickets', { query: { limit: 'x' } }), 'limit'],
    ] as const;
    for (const [call, field] of wrong) {
      const error = await failed(call);
      expect(error).toBeInstanceOf(sdk.InvalidRequestError);
      expect([error.message, error.issues[0]?.field]).toEqual([expect.any(String), expect.stringContaining(field)]);
    }
    const reader = await s.user('READ_ONLY');
    const readOnly = new sdk.Wheelhouse({ apiKey: () => Promise.resolve(reader.token), baseUrl: s.url });
    expect(await failed(readOnly.tickets.create({ title: 'x' }))).toBeInstanceOf(sdk.PermissionError);
  });

  test('what docs/sdk-typescript.md shows runs', async () => {
    const page = readFileSync(join(root, 'docs/sdk-typescript.md'), 'utf8');
    const blocks = [...page.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code = '']) => code);
    expect(blocks.length).toBeGreaterThan(5);
    const imports = blocks.flatMap((code) => code.match(/^import .*$/gm) ?? []);
    const [first = '', ...rest] = blocks.map((code) =>
      code.replace(/^import .*$/gm, '').replaceAll('http://localhost:8000', s.url),
    );
    const text = [...imports, first, ...rest.map((code) => `{${code}}`)].join('\n');
    // The groups of the last one find the server by themselves.
    const address = text.replace('new Connection({', `new Connection({ baseUrl: '${s.url}',`);
    expect(await program('docs.mjs', address, { WHEELHOUSE_API_KEY: s.token })).toContain('no such ticket');
  });

  test('the same key does it once', async () => {
    const options = { idempotencyKey: 'once-and-no-more' };
    const [a, b] = [await client.tickets.create({ title: 'once' }, options), await client.tickets.create({ title: 'once' }, options)]; // prettier-ignore
    expect(b.id).toBe(a.id);
  });

  test('a browser uses it', async () => {
    if (chromiumPath() === null)
      return void process.stdout.write('the SDK was not tried in a browser: there is no chromium\n');
    const code = await bundle(`export * from '@wheelhouse/sdk';`, { format: 'iife', globalName: 'sdk' });
    const pages = await openPages();
    try {
      const page = await pages.browser.newPage();
      // A page of the server's own address, with nothing on it.
      await page.route('**/empty', (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }));
      await page.goto(`${s.url}/empty`);
      const seen = await page.evaluate(`(async () => {
        ${code};
        const client = new sdk.Wheelhouse({ apiKey: ${JSON.stringify(s.token)}, baseUrl: location.origin });
        const { id } = await client.tickets.create({ title: 'from a page', autoAssign: false });
        const error = await client.tickets.get(2_000_000_000).catch((e) => e.name);
        return [(await client.tickets.get(id)).title, error];
      })()`);
      expect(seen).toEqual(['from a page', 'NotFoundError']);
    } finally {
      await pages.close();
    }
  });
});

describe('tasks', () => {
  let agentId: string;
  beforeAll(async () => {
    ({ id: agentId } = await client.agents.create({ name: 'mover', type: 'mover', configuration: { retry_attempts: 0, own_name: 1 } })); // prettier-ignore
    await until(async () => (await client.agents.get(agentId)).status === 'active', 'an active agent');
  });
  /** Takes a task as a worker elsewhere does, and answers how to speak of it. */
  const claim = async () => {
    const { data } = await client.request('POST', '/v1/tasks/claim', { body: { agent_id: agentId, wait: 30 } });
    const { id: task_id, fence } = data.task;
    const say = (what: 'heartbeat' | 'complete', body: object) =>
      client.request('POST', `/v1/tasks/{task_id}/${what}`, { path: { task_id }, body: { fence, ...body } });
    return { id: task_id as string, say };
  };

  test('an agent is listed as it is, changed, and deleted; its configuration keeps its own names', async () => {
    const made = await client.agents.create({ name: 'brief', type: 'brief', configuration: { own_name: 1 } });
    expect((await client.agents.list()).map(({ id }: { id: string }) => id)).toContain(made.id);
    const one = client.agents.list({ limit: 1 });
    expect((await one.all()).length).toBe((await one.page()).total);
    const changed = await client.agents.update(made.id, { configuration: { timeout: 5 } });
    expect(changed.configuration).toMatchObject({ own_name: 1, timeout: 5, max_concurrent_tasks: 10 });
    expect(await client.agents.delete(made.id)).toMatchObject({ deletedAt: expect.any(String) });
    expect(await failed(client.agents.get(made.id))).toBeInstanceOf(sdk.NotFoundError);
  });

  test.each([
    ['over a WebSocket', WebSocket],
    ['by asking, where there is none', null],
  ])('a task is watched to its end %s', async (_, webSocket) => {
    let opened = 0;
    class Counted extends WebSocket {
      constructor(url: string) {
        super(url);
        opened += 1;
      }
    }
    const options = { apiKey: s.token, baseUrl: s.url, webSocket: webSocket && Counted };
    const watching = new sdk.AgentOrchestrationClient(options);
    const { id } = await watching.tasks.create({ agentId, type: 'moving', payload: { some_name: 1 } });
    const told: { status: string; progress: number; result: unknown }[] = [];
    // Whoever is told by the socket need not ask: were nothing told, this would not end in time.
    const watch = watching.tasks.watch(id, (task: (typeof told)[0]) => told.push(task), { intervalMs: webSocket ? 3_600_000 : 20 }); // prettier-ignore
    const held = await claim();
    expect(held.id).toBe(id);
    await until(() => Promise.resolve(told.at(-1)?.status === 'running'), 'running');
    await held.say('heartbeat', { progress: 40 });
    await until(() => Promise.resolve(told.at(-1)?.progress === 40), 'progress');
    await held.say('complete', { status: 'completed', result: { files_moved: 3 } });
    expect(await watch.ended).toMatchObject({ status: 'completed', result: { files_moved: 3 }, payload: { some_name: 1 } }); // prettier-ignore
    expect(told.at(-1)).toMatchObject({ status: 'completed', progress: 100 });
    expect(opened).toBe(webSocket ? 1 : 0);
  });

  test('watching is given up on request, and throws when there is nothing to watch', async () => {
    const { id } = await client.tasks.create({ agentId, type: 'moving' });
    let heard = 0;
    const watch = client.tasks.watch(id, () => (heard += 1));
    await until(() => Promise.resolve(heard > 0), 'the first look');
    watch.stop();
    expect(await watch.ended).toBeNull();
    expect(await failed(client.tasks.watch('task_2000000000', () => {}).ended)).toBeInstanceOf(sdk.NotFoundError);
    const broken = client.tasks.watch(id, () => {
      throw new Error('mine');
    });
    expect(await failed(broken.ended)).toMatchObject({ message: 'mine' });
    const held = await claim();
    await held.say('complete', { status: 'completed' });
  });

  test('a workflow is written down and carried out', async () => {
    const steps = [{ name: 'Move', agentType: 'mover', order: 1, payload: { some_name: 1 } }];
    const { id } = await client.workflows.create({ name: 'Moving', steps });
    expect((await client.workflows.list())[0]).toMatchObject({ id, steps: [{ agentType: 'mover', payload: { some_name: 1 } }] }); // prettier-ignore
    const { executionId } = await client.workflows.execute(id, { parameters: { some_other: 2 } });
    const held = await claim();
    await held.say('complete', { status: 'completed', result: { files_moved: 3 } });
    const ended = () => client.workflows.execution(id, executionId);
    await until(async () => (await ended()).status === 'completed', 'its end');
    expect(await ended()).toMatchObject({ parameters: { some_other: 2 }, steps: [{ result: { files_moved: 3 } }] });
  });

  test('the example of the seed runs word for word', async () => {
    const example = `import { AgentOrchestrationClient } from '@agent-orchestration/sdk';
// Initialize client
const client = new AgentOrchestrationClient({
 apiKey: 'YOUR API KEY',
 baseUrl: 'https://api.agent-orchestration-ops.com/v1'
});
// List agents
const agents = await client.agents.list({ status: 'active' });
console.log(\`Found \${agents.length} active agents\`);
// Create and monitor task
const task = await client.tasks.create({
 agentId: 'agent_123',
  type: 'data_processing',
 payload: { source: 'database' },
 priority: 'medium'
});
// Real-time monitoring
client.tasks.watch(task.id, (updatedTask) => {
  console.log(\`Task progress: \${updatedTask.progress}%\`);
 if (updatedTask.status === 'completed') {
    console.log('Task completed:', updatedTask.result);
 }
});
`;
    const here = [['YOUR API KEY', s.token], ['https://api.agent-orchestration-ops.com/v1', `${s.url}/v1`], ['agent_123', agentId]]; // prettier-ignore
    const running = program(
      'seed.mjs',
      here.reduce((text, [of = '', is = '']) => text.replace(of, is), example),
    );
    const held = await claim();
    await held.say('complete', { status: 'completed', result: { files_moved: 3 } });
    const printed = await running;
    expect(printed).toMatch(/^Found [1-9]\d* active agents\n/);
    expect(printed).toMatch(/Task progress: 100%\nTask completed: \{ files_moved: 3 \}$/);
  });
});

describe('when things go wrong', () => {
  interface Asked {
    method: string;
    key: string | undefined;
    body: string;
  }
  const asked: Asked[] = [];
  /** What it answers next; 200 when nothing is left. */
  let answers: { status: number; headers?: Record<string, string>; text?: string; drop?: boolean; hang?: boolean }[] =
    [];
  const stub = createServer((req: IncomingMessage, res) => {
    let body = '';
    req.on('data', (chunk) => (body += String(chunk)));
    req.on('end', () => {
      asked.push({ method: req.method ?? '', key: req.headers['idempotency-key'] as string | undefined, body });
      const { status, headers, text, drop, hang } = answers.shift() ?? { status: 200 };
      if (hang) return;
      if (drop) return void req.socket.destroy();
      res.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text ?? '{"id":1}');
    });
  });
  let stubbed: any;
  beforeAll(async () => {
    await new Promise<void>((done) => stub.listen(0, '127.0.0.1', done));
    stubbed = new sdk.Wheelhouse({
      apiKey: 'k',
      baseUrl: `http://127.0.0.1:${(stub.address() as AddressInfo).port}/v1`,
    });
  });
  afterAll(() => {
    stub.closeAllConnections();
    stub.close();
  });
  beforeEach(() => {
    asked.length = 0;
    answers = [];
  });
  const now = { 'retry-after': '0' };

  test('a call is repeated with its key when the server asks for it, or breaks off', async () => {
    answers = [{ status: 503, headers: now }, { status: 429, headers: now }, { status: 0, drop: true }, { status: 409, headers: now }]; // prettier-ignore
    expect(await stubbed.tickets.create({ title: 'x' })).toEqual({ id: 1 });
    expect(asked).toHaveLength(5);
    expect(asked[0]?.key).toMatch(/^[0-9a-f]{32}$/);
    expect(new Set(asked.map(({ key, body }) => `${key} ${body}`)).size).toBe(1);
    await stubbed.tickets.create({ title: 'x' });
    expect(asked[5]?.key).not.toBe(asked[0]?.key);
  });

  test('it is not repeated where that helps nobody, or could do it twice', async () => {
    answers = [{ status: 409 }, { status: 500, text: 'not json' }, { status: 0, drop: true }];
    expect(await failed(stubbed.tickets.create({ title: 'x' }))).toBeInstanceOf(sdk.ConflictError);
    expect(await failed(stubbed.tickets.get(1))).toMatchObject({ name: 'ServerError', body: 'not json' });
    const patch = stubbed.request('PATCH', '/agents/{agent_id}', { path: { agent_id: 'a' }, body: {} });
    expect(await failed(patch)).toBeInstanceOf(sdk.ConnectionError);
    expect(asked).toHaveLength(3);
  });

  test('a server that asks for a long time has its refusal thrown; so has one that never says yes', async () => {
    answers = [{ status: 429, headers: { 'retry-after': '3600' } }];
    expect(await failed(stubbed.tickets.get(1))).toMatchObject({ name: 'RateLimitError', retryAfterMs: 3_600_000 });
    answers = Array.from({ length: 3 }, () => ({ status: 503, headers: now }));
    expect(await failed(stubbed.tickets.get(1, { retries: 2 }))).toBeInstanceOf(sdk.ServerError);
    expect(asked).toHaveLength(4);
  });

  test('an attempt has its time, and the caller may end it', async () => {
    answers = [
      { status: 0, hang: true },
      { status: 0, hang: true },
    ];
    expect(await failed(stubbed.tickets.get(1, { timeoutMs: 50, retries: 0 }))).toBeInstanceOf(sdk.TimeoutError);
    const ends = new AbortController();
    const call = failed(stubbed.tickets.get(1, { signal: ends.signal }));
    await until(() => Promise.resolve(asked.length === 2), 'the second call');
    const why = new Error('enough');
    ends.abort(why);
    expect(await call).toBe(why);
  });
});

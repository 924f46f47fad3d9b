import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { ElicitRequestSchema, type CallToolResult, type ElicitResult } from '@modelcontextprotocol/sdk/types.js';
import { partsOf, tools, toolView } from '../../api/mcp/tools';
import { childEnvironment, root } from '../../config';
import { runKey, waitingAgent } from '../api/working';
import { startServer, until, type Server } from '../harness';

let server: Server;
const clients: Client[] = [];
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  for (const client of clients) await client.close();
  await server.close();
});

type Answer = (message: string) => ElicitResult;
const http = (token: string) =>
  new StreamableHTTPClientTransport(new URL('/mcp', server.url), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
  });
const stdio = (token: string) =>
  new StdioClientTransport({
    command: process.execPath,
    args: [join(root, 'dist/cli/main.js'), 'mcp'],
    env: childEnvironment({ WHEELHOUSE_URL: server.url, WHEELHOUSE_TOKEN: token }) as Record<string, string>,
    stderr: 'pipe',
  }); // prettier-ignore

/** The official client; with `person`, one that can ask somebody. */
async function connect(transport: Transport, person: Answer | null = null): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' }, { capabilities: person ? { elicitation: {} } : {} });
  if (person) client.setRequestHandler(ElicitRequestSchema, ({ params }) => person(params.message));
  clients.push(client);
  await client.connect(transport);
  return client;
}
const call = async (client: Client, name: string, args: Record<string, unknown> = {}) => {
  const result = (await client.callTool({ name, arguments: args })) as CallToolResult;
  const [content] = result.content;
  return {
    failed: result.isError === true,
    said: content?.type === 'text' ? content.text : '',
    body: result.structuredContent as any,
  };
};
const yes: ElicitResult = { action: 'accept', content: { confirm: true } };
const change = async (): Promise<number> => {
  const ticket = await server.call('POST', '/api/tickets', { title: 'Block it', auto_assign: false });
  const asker = server.as((await server.user('DEVELOPER')).token);
  const asked = await asker('POST', '/api/changes/request', { ticket_id: ticket.body.id, action: 'firewall.block', target: '203.0.113.7' });
  return asked.body.change_id as number;
}; // prettier-ignore
const statusOf = async (id: number): Promise<string> => (await server.call('GET', `/api/changes/${id}`)).body.status;

test('each tool is an operation whose parts have names of their own, and those that it shows are among them', () => {
  for (const tool of tools.values()) {
    const names = partsOf(tool.op).flat();
    expect([tool.name, new Set(names).size]).toEqual([tool.name, names.length]);
    const { properties, required } = toolView(tool).inputSchema;
    for (const name of Object.keys(properties)) if (name !== 'idempotency_key') expect(names).toContain(name);
    for (const name of required) expect(Object.keys(properties)).toContain(name);
  }
});

test.each([
  ['Streamable HTTP', http],
  ['stdio, through the command', stdio],
])('over %s: tickets, runs, a decision of the person at the client, the log', async (_way, transport) => {
  const asked: string[] = [];
  const client = await connect(transport(server.token), (message) => {
    asked.push(message);
    return yes;
  });
  expect(client.getServerVersion()?.name).toBe('wheelhouse');
  const { tools: listed } = await client.listTools();
  expect(listed.map((t) => t.name)).toEqual([...tools.keys()]);
  expect(listed.find((t) => t.name === 'get_ticket')?.annotations).toMatchObject({ readOnlyHint: true });

  const made = await call(client, 'create_ticket', { title: 'By an operator', auto_assign: false });
  expect([made.failed, made.body.created_by]).toEqual([false, expect.any(String)]);
  const note = await call(client, 'add_note', { ticket_id: made.body.id, body: 'seen', idempotency_key: `k-${made.body.id}` });
  const again = await call(client, 'add_note', { ticket_id: made.body.id, body: 'seen', idempotency_key: `k-${made.body.id}` });
  expect(again.body.id).toBe(note.body.id);
  expect((await call(client, 'list_tickets', { q: 'By an operator', limit: 1 })).body).toMatchObject({ limit: 1, tickets: [{ title: 'By an operator' }] });

  // A server that is busy says so: the same key starts it once.
  const start = { ticket_id: made.body.id, idempotency_key: `run-${made.body.id}` };
  const run = await until(async () => {
    const said = await call(client, 'start_run', start);
    return said.said.startsWith('503') || said.said.startsWith('409') ? null : said;
  }, 'a run to be started');
  expect(run.body).toMatchObject({ status: 'spawned', ticket_id: made.body.id });
  // One that waits for people is alive until it is stopped.
  const { ticket, agent } = await waitingAgent(server);
  const steered = await call(client, 'steer_run', { ticket_id: ticket, agent_id: agent, body: 'the bastion first' });
  expect(steered.body).toMatchObject({ steering: { status: 'created' } });
  expect((await call(client, 'stop_run', { agent_id: agent })).failed).toBe(false);
  const { contents } = await client.readResource({ uri: `wheelhouse://runs/${run.body.agent_id}` });
  expect(JSON.parse((contents[0] as { text: string }).text)).toMatchObject({ id: run.body.agent_id });
  const trace = await client.readResource({ uri: `wheelhouse://runs/${run.body.agent_id}/trace` });
  expect(trace.contents).toMatchObject([{ mimeType: 'application/json', text: expect.stringContaining('content') }]);
  expect((await client.listResources()).resources.map((r) => r.uri)).toContain(`wheelhouse://runs/${run.body.agent_id}`);
  expect((await client.listResourceTemplates()).resourceTemplates).toHaveLength(4);
  await expect(client.readResource({ uri: 'wheelhouse://runs/99999' })).rejects.toThrow(/no resource/);

  const gate = await change();
  expect((await call(client, 'list_gates', { status: 'pending' })).body.changes.map((c: { id: number }) => c.id)).toContain(gate);
  expect((await call(client, 'approve_gate', { change_id: gate })).body).toMatchObject({ status: 'approved', change_id: gate });
  expect(asked).toEqual([expect.stringMatching(new RegExp(`^Approve change ${gate}\\?\\nAction: firewall.block\\nTarget: 203.0.113.7\\n`))]);
  expect(await statusOf(gate)).toBe('approved');
  expect((await call(client, 'reject_gate', { change_id: gate })).failed).toBe(true);

  const log = await call(client, 'search_log', { action: 'gate_approved', limit: 1 });
  expect(log.body.data.items).toMatchObject([{ action: 'gate_approved', actor: { kind: 'user' } }]);
}); // prettier-ignore

test('an investigation is run and read', async () => {
  const client = await connect(http(server.token));
  const ticket = await server.call('POST', '/api/tickets', { title: 'Slow checkout', auto_assign: false });
  const begun = await call(client, 'run_investigation', { ticket_id: ticket.body.id });
  const id = begun.body.investigation_id as string;
  expect((await call(client, 'get_investigation', { investigation_id: id })).body).toMatchObject({ investigation_id: id });
  const { contents } = await client.readResource({ uri: `wheelhouse://investigations/${id}/trace` });
  expect(contents).toMatchObject([{ mimeType: 'text/html', text: expect.stringMatching(/^<!doctype html>/i) }]);
}); // prettier-ignore

test('what a caller may not is not listed, and refused by the operation when it is called', async () => {
  const reader = await connect(http((await server.user('READ_ONLY')).token), () => yes);
  const names = (await reader.listTools()).tools.map((t) => t.name);
  expect(names).toContain('list_gates');
  for (const name of ['create_ticket', 'start_run', 'approve_gate', 'run_investigation']) expect(names).not.toContain(name);
  const gate = await change();
  for (const [name, args] of [['create_ticket', { title: 'x' }], ['approve_gate', { change_id: gate }]] as const)
    expect(await call(reader, name, args)).toMatchObject({ failed: true, said: expect.stringMatching(/^403: .*(tickets:create|changes:approve)/) });
  expect(await statusOf(gate)).toBe('pending');

  const admin = await connect(http(server.token));
  const wrong = await call(admin, 'create_ticket', { title: 'x', priority: '9' });
  expect(wrong).toMatchObject({ failed: true, said: expect.stringMatching(/^400: .*priority/) });
  expect(await call(admin, 'get_ticket', { ticket_id: 99999 })).toMatchObject({ failed: true, said: expect.stringMatching(/^404/) });
  const { token: stranger } = await server.tenant('agent_only');
  const other = await connect(http(stranger));
  expect(await call(other, 'get_gate', { change_id: gate })).toMatchObject({ failed: true, said: expect.stringMatching(/^404/) });
  await expect(admin.callTool({ name: 'drop_tables' })).rejects.toThrow(/no tool/);
}); // prettier-ignore

test('nothing is decided without the person: one who declines, a client that cannot ask, an agent', async () => {
  const gate = await change();
  const answers: ElicitResult[] = [{ action: 'decline' }, { action: 'cancel' }, { action: 'accept', content: { confirm: false } }];
  for (const answer of answers) {
    const client = await connect(http(server.token), () => answer);
    expect(await call(client, 'approve_gate', { change_id: gate })).toMatchObject({ failed: true, said: expect.stringMatching(/nothing was sent/) });
  }
  const mute = await connect(http(server.token));
  expect(await call(mute, 'approve_gate', { change_id: gate })).toMatchObject({ failed: true, said: expect.stringContaining(`npx wheelhouse gates approve ${gate}`) });

  const { agent } = await waitingAgent(server);
  const key = await runKey(server, agent);
  await server.owner.query(`update api_keys set scopes = scopes || '{changes:approve}' where run_id is not null and name = 'run'`);
  const ofAgent = await connect(http(key), () => yes);
  const { body } = await server.call('GET', `/api/changes?agent_id=${agent}`);
  const own = (body.changes as { id: number }[])[0]?.id ?? gate;
  expect(await call(ofAgent, 'approve_gate', { change_id: own })).toMatchObject({ failed: true, said: expect.stringMatching(/^403/) });
  expect([await statusOf(gate), await statusOf(own)]).toEqual(['pending', 'pending']);
}); // prettier-ignore

test('the door: 401 with where to ask, pages of others, sessions of others, one message at a time', async () => {
  const initialize = {
    jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 't', version: '1' } },
  };
  const accept = { accept: 'application/json, text/event-stream' };
  const post = (token: string, body: unknown, headers: Record<string, string> = {}) => server.as(token)('POST', '/mcp', body, { ...accept, ...headers });

  const nobody = await post('', initialize);
  expect(nobody.status).toBe(401);
  const [, where] = /resource_metadata="([^"]+)"/.exec(nobody.headers.get('www-authenticate') ?? '') ?? [];
  const metadata = (await (await fetch(where ?? '')).json()) as { resource: string; scopes_supported: string[] };
  expect(metadata).toMatchObject({ resource: `${server.url}/mcp`, scopes_supported: expect.arrayContaining(['changes:approve']) });
  expect((await server.call('GET', '/.well-known/oauth-protected-resource')).body).toEqual(metadata);

  for (const origin of ['https://evil.example', 'null', 'http://localhost:1'])
    expect([origin, (await post(server.token, initialize, { origin })).status]).toEqual([origin, 403]);
  expect((await post(server.token, initialize, { origin: server.url })).status).toBe(200);
  expect((await fetch(`${server.url}/mcp`, { method: 'POST', headers: { ...accept, cookie: `acp_token=${server.token}`, 'content-type': 'application/json' }, body: JSON.stringify(initialize) })).status).toBe(401);

  const begun = await post(server.token, initialize);
  const session = { 'mcp-session-id': begun.headers.get('mcp-session-id') ?? '', 'mcp-protocol-version': '2025-06-18' };
  const list = { jsonrpc: '2.0', id: 2, method: 'tools/list' };
  expect((await post(server.token, list, session)).status).toBe(200);
  const { token: other } = await server.user('ADMIN');
  expect((await post(other, list, session)).status).toBe(404);
  expect((await post(server.token, list, { 'mcp-session-id': 'none' })).status).toBe(404);
  expect((await post(server.token, list)).status).toBe(400);
  expect((await post(server.token, [list, list], session)).status).toBe(400);
  expect((await post(server.token, 'x'.repeat(2_000_000), session)).status).toBe(413);
  expect((await server.call('GET', '/mcp', undefined, { ...session, accept: 'text/event-stream' })).status).toBe(405);
  expect((await server.call('DELETE', '/mcp', undefined, session)).status).toBe(200);
  expect((await post(server.token, list, session)).status).toBe(404);
}); // prettier-ignore

test('whoever begins sessions without end loses the oldest, and nobody else one', async () => {
  const other = await connect(http((await server.user('ADMIN')).token));
  const { token } = await server.user('DEVELOPER');
  const first = await connect(http(token));
  for (let n = 0; n < 20; n += 1) await connect(http(token));
  await expect(first.listTools()).rejects.toThrow(/no such session/);
  expect((await other.listTools()).tools.length).toBeGreaterThan(0);
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import type { Harness } from '../../domain/harness';
import { startWorker, type RunningWorker } from '../../workers/main';
import { workflowId } from '../../workflows/ids';
import { startServer, until, type Server } from '../harness';
import { temporal } from '../stack';
import { stubMcp, type StubMcp } from '../stub-mcp';
import { agentIs } from './working';

// References to leases in the arguments of calls: a tool server is told the secret, and nobody else.

interface Plan {
  /** Ask for access, and go on when it is granted. */
  access?: boolean;
  /** `{ref}` in an argument is the reference that was granted. */
  calls: { tool: string; args: Record<string, unknown> }[];
}
const planned: Harness = {
  name: 'embedded',
  next(brief, observations) {
    const plan = JSON.parse(brief.prompt ?? '') as Plan;
    const [access] = brief.access;
    if (plan.access && !access)
      return {
        kind: 'request_access', system: 'gitlab', resource: 'gitlab project demo', permission: 'read', reason: 'to say it',
        lease: { system: 'gitlab', resourceType: 'project', resourceId: 'demo', action: 'read' },
      }; // prettier-ignore
    if (plan.access && access?.status !== 'granted')
      return { kind: 'call', tool: 'knowledge.search', args: { query: `look ${observations.length}` }, why: 'to wait' };
    const call = plan.calls[observations.filter((o) => o.tool !== 'knowledge.search').length];
    if (!call) return { kind: 'finish', summary: 'all is said' };
    const args = Object.fromEntries(
      Object.entries(call.args).map(([k, v]) => [k, typeof v === 'string' ? v.replace('{ref}', access?.credentialRef ?? '') : v]),
    ); // prettier-ignore
    return { kind: 'call', tool: call.tool, args, why: 'it was asked for' };
  },
};

const secret = 'glpat/of+demo "that nobody sees"';
const fields = { username: 'the-user-of-demo', password: 'the-password-of-demo' };
const gitlab = { system: 'gitlab', resource_type: 'project', resource_id: 'demo' };

let s: Server;
let stub: StubMcp;
let worker: RunningWorker;
let connection: Connection;
let folder: string;
let desk: number;
beforeAll(async () => {
  stub = await stubMcp();
  stub.does({ tools: 'echo' });
  folder = mkdtempSync(join(tmpdir(), 'wheelhouse-references-'));
  const file = join(folder, 'servers.json');
  writeFileSync(file, JSON.stringify({ servers: { shelf: stub.program } }));
  s = await startServer({ TOOL_SERVERS_ALLOW_PRIVATE: '1', TOOL_SERVERS: file }, { worker: false });
  worker = await startWorker(s.config, { harnesses: [planned] });
  connection = await Connection.connect({ address: temporal().address });
  const add = async (name: string, at: object): Promise<number> => {
    const body = { name, ...at, trust_annotations: true, leases: [{ ...gitlab, action: 're*' }] };
    const { id } = (await s.call('POST', '/api/tools', body)).body;
    expect((await s.call('POST', `/api/tools/${id}/check`)).body).toMatchObject({ status: 'healthy' });
    return id;
  };
  desk = await add('desk', { url: stub.url });
  await add('shelf', { command: 'shelf' });
  const agents = (await s.call('GET', '/api/v1/agent-ops/registry')).body.data;
  const { id } = agents.find((a: any) => a.name === 'analyst');
  const capabilities = ['knowledge.search', 'tickets.note', 'desk.say', 'shelf.say'];
  expect((await s.call('PATCH', `/api/v1/agent-ops/registry/${id}`, { capabilities })).status).toBe(200);
  await keep(secret);
});
afterAll(async () => {
  await worker.close();
  await connection.close();
  await s.close();
  await stub.close();
  rmSync(folder, { recursive: true });
});

const keep = async (value: string) =>
  expect((await s.call('POST', '/api/vault/secrets', { ...gitlab, action: 'read', value })).status).toBe(200);

interface Begun {
  agent: number;
  ticket: number;
  run: string;
}
const begin = async (plan: Plan): Promise<Begun> => {
  const ticket = (await s.call('POST', '/api/tickets', { title: 'Say it', auto_assign: false })).body.id;
  const spawned = await s.call('POST', `/api/tickets/${ticket}/assign-agent`, { prompt: JSON.stringify(plan) });
  expect(spawned.status).toBe(200);
  const agent = spawned.body.agent_id as number;
  const { rows } = await s.owner.query('select id from runs where number = $1', [agent]);
  return { agent, ticket, run: rows[0].id };
};
/** As people lend it. */
const lend = async ({ ticket, run }: Begun): Promise<void> => {
  const asked = await until(async () => {
    const { rows } = await s.owner.query(
      `select number from gates where run_id = $1 and action = 'grant_access' and status = 'pending'`,
      [run],
    );
    return rows[0]?.number as number | undefined;
  }, `the request of ticket ${ticket}`);
  const second = s.as((await s.user('SECURITY_ANALYST')).token);
  for (const move of ['approve', 'complete'])
    expect((await second('POST', `/api/changes/${asked}/${move}`, { result: 'granted' })).status).toBe(200);
};
/** Its calls as the ledger has them, but those of waiting. */
const steps = async ({ run }: Begun): Promise<any[]> =>
  (
    await s.owner.query(`select * from executions where owner_id = $1 and tool <> 'knowledge.search' order by step`, [
      run,
    ])
  ).rows;
const said = async (plan: Plan): Promise<{ begun: Begun; made: any[] }> => {
  const begun = await begin(plan);
  if (plan.access) await lend(begun);
  await agentIs(s, begun.agent, 'finished');
  return { begun, made: await steps(begun) };
};
const refOf = ({ run }: Begun): string => `<vault:agent_${run}_gitlab_project_demo_read>`;
const told = () => stub.seen().filter((a) => a.tool === 'say');

/** Whoever has it, in whatever table; what is sealed is not readable. */
async function tablesWith(text: string): Promise<string[]> {
  const { rows: tables } = await s.owner.query<{ name: string }>(
    `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
     where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`,
  );
  const found: string[] = [];
  for (const { name } of tables) {
    const { rowCount } = await s.owner.query(`select from ${name} t where strpos(to_jsonb(t)::text, $1) > 0 limit 1`, [
      text,
    ]);
    if (rowCount) found.push(name);
  }
  return found;
}
/** All that Temporal keeps of a run, as text. */
async function historyOf(begun: Begun): Promise<string> {
  const client = new Client({ connection });
  const handle = client.workflow.getHandle(workflowId('agentRun', s.tenantId, begun.run));
  const { events } = await handle.fetchHistory();
  // As JSON the bytes of payloads are base64.
  return JSON.stringify(JSON.parse(JSON.stringify(events)), (key, value: unknown) =>
    key === 'data' && typeof value === 'string' ? Buffer.from(value, 'base64').toString() : value,
  );
}
const partsOfSecret = ['glpat/of', 'that nobody sees', Buffer.from('that nobody').toString('base64').slice(0, 12)];
async function assertHidden(begun: Begun): Promise<void> {
  const history = await historyOf(begun);
  expect(history.includes('{ref}')).toBe(true); // it is readable
  const trail = (await s.call('GET', '/audit/logs?limit=500')).text;
  const seen = (await s.call('GET', `/api/agents/${begun.agent}`)).text;
  for (const part of partsOfSecret) {
    expect(await tablesWith(part)).toEqual([]);
    expect([history, trail, seen].map((text) => text.includes(part))).toEqual([false, false, false]);
  }
}

test('the server is told the secret under an active lease; ledger, log, receipt, history and answers have the reference', async () => {
  const before = told().length;
  const { begun, made } = await said({
    access: true,
    calls: [
      { tool: 'desk.say', args: { text: '{ref}' } },
      { tool: 'desk.say', args: { text: '{ref}', how: 'encoded' } },
      { tool: 'shelf.say', args: { text: 'it is {ref}.' } },
    ],
  });
  const ref = refOf(begun);
  expect(
    told()
      .slice(before)
      .map((a) => a.args?.['text']),
  ).toEqual([secret, secret, `it is ${secret}.`]);
  expect(made.map((e) => e.decision)).toEqual(['allow', 'allow', 'allow']);
  expect(made[0]).toMatchObject({
    args: { text: ref },
    result: {
      content: [{ type: 'text', text: `I was told ${ref}, ${ref}.` }],
      structured_content: { [ref]: [ref] },
    },
    reasons: expect.arrayContaining([{ code: 'secret_removed', message: ref }]),
  });
  const words: string[] = made[1].result.content.map((c: any) => c.text);
  expect(words).toHaveLength(7);
  for (const text of words) expect(text).toContain('<vault:agent_');
  const receipt = await s.call('GET', `/receipts/${made[0].id}`);
  expect([receipt.status, receipt.text.includes('nobody sees')]).toEqual([200, false]);
  const { rows: used } = await s.owner.query(
    `select tool, body from log where kind = 'lease.used' and run_id = $1 order by seq`,
    [begun.run],
  );
  expect(used.map((u) => [u.tool, u.body.resource_id ?? u.body.resourceId])).toEqual([['desk.say', 'demo'], ['desk.say', 'demo'], ['shelf.say', 'demo']]); // prettier-ignore
  await assertHidden(begun);
});

test('a tool that refuses, breaks or dies with the secret on its lips tells nobody, nor the next who calls it', async () => {
  const { begun, made } = await said({
    access: true,
    calls: [
      ...['refuse', 'throw', 'die'].map((how) => ({ tool: 'shelf.say', args: { text: '{ref}', how } })),
      ...['refuse', 'throw', 'die'].map((how) => ({ tool: 'desk.say', args: { text: '{ref}', how } })),
    ],
  });
  expect(made.map((e) => e.decision)).toEqual(Array(6).fill('error'));
  expect(made[0].error).toMatch(/^shelf.say failed: x+<vault/);
  expect(made[1].error).toContain(refOf(begun));
  await assertHidden(begun);
});

test('of a secret with fields each field is hidden', async () => {
  await keep(JSON.stringify(fields));
  try {
    const { begun, made } = await said({ access: true, calls: [{ tool: 'desk.say', args: { text: '{ref}', how: 'fields' } }] }); // prettier-ignore
    expect(made[0].result.content.map((c: any) => c.text)).toEqual([refOf(begun), refOf(begun)]);
    expect(await tablesWith(fields.password)).toEqual([]);
  } finally {
    await keep(secret);
  }
});

test('a reference stands for nothing without a lease, of another run of the same agent, or of one that was taken back', async () => {
  const holder = await begin({ access: true, calls: [{ tool: 'shelf.say', args: { text: '{ref}', how: 'hang' } }] });
  await lend(holder);
  await until(() => Promise.resolve(told().at(-1)?.args?.['how'] === 'hang'), 'the holder to use its own');
  const ref = refOf(holder);
  const calls = told().length;
  const plan = { calls: [ref, '<vault:anything>'].map((text) => ({ tool: 'desk.say', args: { text } })) };
  const sibling = await begin(plan);
  await agentIs(s, sibling.agent, 'finished');
  expect((await steps(sibling)).map((e) => [e.decision, e.error])).toEqual([
    ['error', `no active lease of this run stands for ${ref}`],
    ['error', 'no active lease of this run stands for <vault:anything>'],
  ]);
  expect(told()).toHaveLength(calls);
  await s.call('POST', `/api/agents/${holder.agent}/stop`, { reason: 'enough' });
  await until(async () => {
    const { rows } = await s.owner.query('select status from leases where run_id = $1', [holder.run]);
    return rows[0].status === 'revoked';
  }, 'the lease to be taken back');
});

test('a server is given what it may be given, and no more', async () => {
  const calls = told().length;
  const may = (leases: object[]) => s.call('PUT', `/api/tools/${desk}`, { leases });
  for (const leases of [[], [{ system: 'gitlab', action: 'write' }], [{ ...gitlab, resource_id: 'demo/*' }]]) {
    expect((await may(leases)).status).toBe(200);
    const { begun, made } = await said({ access: true, calls: [{ tool: 'desk.say', args: { text: '{ref}' } }] });
    expect(made.map((e) => [e.decision, e.error])).toEqual([['error', `desk.say is not to be given ${refOf(begun)}`]]);
  }
  expect(told()).toHaveLength(calls);
  expect((await s.call('GET', `/api/tools/${desk}`)).body.server.leases).toEqual([
    { ...gitlab, resource_id: 'demo/*', action: '*' },
  ]);
  await may([{ system: 'gitlab' }]);
});

test('a call that is under way when its lease ends is broken off', async () => {
  const begun = await begin({ access: true, calls: [{ tool: 'shelf.say', args: { text: '{ref}', how: 'hang' } }] });
  // Its time is cut when it begins, so that it ends while it is used.
  await s.owner.query(`create function short() returns trigger language plpgsql as $$
    begin new.expires_at := least(new.expires_at, now() + interval '3 seconds'); return new; end $$;
    create trigger short before insert on leases for each row execute function short()`);
  try {
    await lend(begun);
    await agentIs(s, begun.agent, 'finished');
  } finally {
    await s.owner.query('drop trigger short on leases; drop function short()');
  }
  expect(told().at(-1)?.args).toEqual({ text: secret, how: 'hang' });
  expect((await steps(begun)).map((e) => [e.decision, e.error])).toEqual([
    ['error', 'a lease ended while shelf.say was called: what the call did is not known'],
  ]);
  await assertHidden(begun);
});

test('a tool that keeps what it is told gets the reference as text', async () => {
  const { begun, made } = await said({ access: true, calls: [{ tool: 'tickets.note', args: { body: 'I have {ref}' } }] }); // prettier-ignore
  expect(made.map((e) => e.decision)).toEqual(['allow']);
  expect((await s.call('GET', `/api/tickets/${begun.ticket}/context`)).text).toContain(refOf(begun));
  await assertHidden(begun);
});

import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { toolLooks } from '../../workflows';
import { workflowId } from '../../workflows/ids';
import { startServer, until, type Server } from '../harness';
import { temporal } from '../stack';
import { stubMcp, type StubMcp } from '../stub-mcp';
import { keep } from './keep';

// Looks at the tools of all tenants, as the Schedule has them; on the dev server.

let s: Server;
let stub: StubMcp;
let folder: string;
let connection: Connection;
let client: Client;
beforeAll(async () => {
  stub = await stubMcp();
  folder = mkdtempSync(join(tmpdir(), 'wheelhouse-looks-'));
  const file = join(folder, 'servers.json');
  writeFileSync(file, JSON.stringify({ servers: { shelf: stub.program } }));
  s = await startServer({
    TOOL_SERVERS_ALLOW_PRIVATE: '1',
    TOOL_CHECK_SECONDS: '86400',
    TOOL_CHECK_TIMEOUT_MS: '2000',
    TOOL_START_TIMEOUT_MS: '8000',
    TOOL_SERVERS: file,
  });
  connection = await Connection.connect({ address: temporal().address });
  client = new Client({ connection });
});
afterAll(async () => {
  await connection.close();
  await s.close();
  await stub.close();
  rmSync(folder, { recursive: true });
});
afterEach(() => stub.does({}));

const mine: Server['call'] = (...asked) => s.call(...asked);

const start = () =>
  client.workflow.start(toolLooks, {
    workflowId: `${s.config.taskQueuePrefix}-${randomUUID()}`,
    taskQueue: `${s.config.taskQueuePrefix}-lifecycle`,
    args: [{ tenantId: null, toolId: null, asked: null, queue: `${s.config.taskQueuePrefix}-integrations` }],
  });
const statuses = async (call: Server['call']) =>
  Object.fromEntries((await call('GET', '/api/tools/status')).body.tools.map((t: any) => [t.name, t.status]));

test('the tools of every tenant are looked at, and each has what came of it', async () => {
  const other = s.as((await s.tenant()).token);
  await s.call('POST', '/api/tools', { name: 'desk', url: stub.url });
  await other('POST', '/api/tools', { name: 'away', url: 'http://127.0.0.1:1/mcp' });
  await other('POST', '/api/tools', { name: 'off', url: stub.url, enabled: false });
  const parts = { 'built-in': 'healthy', postgres: 'healthy', temporal: 'healthy' };
  const look = await start();
  await look.result();
  await keep('toolLooks.scheduled', look);
  expect(await statuses(mine)).toEqual({ ...parts, desk: 'healthy' });
  expect(await statuses(other)).toEqual({ ...parts, away: 'down', off: 'unknown' });
  // It may be slow, and is not told again: what stays as it is is no news.
  await (await start()).result();
  const { rows } = await s.owner.query(
    `select body ->> 'tool_name' as name from log where kind = 'tool.status_changed'`,
  );
  expect(rows).toEqual([{ name: 'away' }]);
});

test('a look that somebody asked for answers what it came to', async () => {
  const asked = await s.call('POST', '/api/tools/check-all');
  expect(asked.body.count).toBe(4);
  const { rows } = await s.owner.query(`select tool_id from tool_checks order by checked_at desc limit 1`);
  expect(rows).toHaveLength(1);
  let id = '';
  const prefix = workflowId('toolLooks', s.tenantId, '');
  await until(async () => {
    for await (const w of client.workflow.list({ query: `WorkflowType = 'toolLooks'` }))
      if (w.workflowId.startsWith(prefix)) id = w.workflowId;
    return id !== '';
  }, 'the look to be seen');
  await keep('toolLooks.asked', client.workflow.getHandle(id));
});

test('one that never answers takes its time, and no more; the others are looked at meanwhile', async () => {
  stub.does({ list: 'hang' });
  const look = await start();
  const lastOf = async (name: string) =>
    (await s.owner.query(`select last_check from tools where name = $1 and tenant_id = $2`, [name, s.tenantId])).rows[0]
      .last_check as Date;
  const before = await lastOf('temporal');
  const desk = await lastOf('desk');
  await until(async () => (await lastOf('temporal')) > before, 'the others to be looked at');
  expect(await lastOf('desk')).toEqual(desk);
  await keep('toolLooks.suspended', look);
  await look.result();
  expect(await statuses(mine)).toMatchObject({ desk: 'down', temporal: 'healthy' });
});

test('checks that are older than they are kept go', async () => {
  await s.owner.query(`update tool_checks set checked_at = now() - interval '8 days'`);
  const sweep = await client.workflow.start('sweep', {
    workflowId: `${s.config.taskQueuePrefix}-${randomUUID()}`,
    taskQueue: `${s.config.taskQueuePrefix}-lifecycle`,
  });
  await sweep.result();
  const { rows } = await s.owner.query('select count(*)::int as n from tool_checks');
  expect(rows[0].n).toBe(0);
});

test('a program has a time of its own to begin in, and then one to answer', async () => {
  await s.call('POST', '/api/tools', { name: 'shelf', command: 'shelf' });
  const shelf = async () => {
    await (await start()).result();
    const { rows } = await s.owner.query(`select status, last_error, response_time_ms from tools where name = 'shelf'`);
    return rows[0];
  };
  stub.does({ begin: 2_500 }); // longer than an answer may take
  expect(await shelf()).toMatchObject({ status: 'healthy', last_error: null });
  stub.does({ list: 'hang' });
  expect(await shelf()).toMatchObject({ status: 'down', last_error: 'no answer within 2000 ms' });
  stub.does({ begin: 600_000 });
  expect(await shelf()).toMatchObject({
    status: 'down',
    last_error: expect.stringMatching(/was not ready within 8000 ms|timed out/),
  });
}, 60_000);

import { once } from 'node:events';
import { startApi } from '../../api/main';
import { demoLog } from '../../cli/story';
import { loadConfig } from '../../config';
import { caller, startServer, until, type Server } from '../harness';
import { temporal } from '../stack';
import { wire } from '../wire';
import { environmentOf, kill, workerProcess } from '../worker-process';

let s: Server;
beforeAll(async () => void (s = await startServer()));
afterAll(() => s.close());

const ask = async (call: Server['call'], ticket: number, key: string) =>
  call(
    'POST',
    '/api/changes/request',
    { ticket_id: ticket, action: 'restart', target: 'web-1' },
    { 'idempotency-key': key },
  );

test('Temporal away: reads go on, writes are 503 with Retry-After, a repeat with the key does it once', async () => {
  const line = await wire({ host: '127.0.0.1', port: Number(temporal().address.split(':')[1]) });
  const api = await startApi(
    loadConfig(environmentOf(s, { TEMPORAL_ADDRESS: `127.0.0.1:${line.port}`, WORKFLOW_PATIENCE_MS: '3000' })),
  );
  const call = caller(api.url, s.token);
  const { body: ticket } = await call('POST', '/api/tickets', { title: 'engine away' });
  line.cut();
  expect((await call('GET', '/api/changes')).status).toBe(200);
  expect((await call('GET', `/api/tickets/${ticket.id}`)).status).toBe(200);
  const away = await ask(call, ticket.id, 'k-temporal');
  expect(away.status).toBe(503);
  expect(Number(away.headers.get('retry-after'))).toBeGreaterThan(0);
  // Its row stands, without a process yet: the repeat is told of this one.
  const standing = (await call('GET', `/api/changes?ticket_id=${ticket.id}`)).body;
  expect(standing).toMatchObject({ total: 1, changes: [{ status: 'pending' }] });
  line.mend();
  const done = await until(async () => {
    const a = await ask(call, ticket.id, 'k-temporal');
    return a.status === 200 ? a : null;
  }, 'the engine to be back');
  expect(done.body).toMatchObject({ change_id: standing.changes[0].id });
  const again = await ask(call, ticket.id, 'k-temporal');
  expect(again.body).toEqual(done.body);
  expect((await call('GET', `/api/changes?ticket_id=${ticket.id}`)).body.total).toBe(1);
  await api.close();
  await line.close();
});

test('Postgres away: 503, and what was acknowledged is there when it is back', async () => {
  const database = new URL(s.config.databaseUrl ?? '');
  const line = await wire({ host: database.hostname, port: Number(database.port) });
  database.port = String(line.port);
  const api = await startApi(loadConfig(environmentOf(s, { DATABASE_URL: database.href })));
  const call = caller(api.url, s.token);
  const { body: before } = await call('POST', '/api/tickets', { title: 'acknowledged' });
  line.cut();
  for (const a of [await call('GET', '/api/changes'), await call('POST', '/api/tickets', { title: 'lost?' })]) {
    expect([a.status, a.headers.get('retry-after') !== null]).toEqual([503, true]);
  }
  line.mend();
  const found = await until(async () => {
    const a = await call('GET', `/api/tickets/${before.id}`);
    return a.status === 200 ? a.body : null;
  }, 'the database to be back');
  expect(found.title).toBe('acknowledged');
  await api.close();
  await line.close();
});

test('a worker killed in mid-run: the run goes on elsewhere, every step happens once', async () => {
  await s.stopWorker();
  const first = await workerProcess(s);
  const { body: ticket } = await s.call('POST', '/api/tickets', { title: 'worker dies', ticket_class: 'Incident' });
  const form = new FormData();
  form.set('file', new Blob([demoLog()]), 'auth.log');
  await s.call('POST', `/api/tickets/${ticket.id}/attachments`, form);
  const { body: agent } = await s.call('POST', `/api/tickets/${ticket.id}/assign-agent`, {});
  await until(
    async () =>
      (
        await s.owner.query(
          'select 1 from executions e join runs r on r.id = e.owner_id where r.number = $1 and e.step >= 2',
          [agent.agent_id],
        )
      ).rowCount,
    'the run to be under way',
  );
  await kill(first);
  const second = await workerProcess(s);
  const change = await until(
    async () => {
      const { body } = await s.call('GET', `/api/changes?agent_id=${agent.agent_id}&status=pending`);
      return body.changes[0] ?? null;
    },
    'the proposal',
    60_000,
  );
  expect((await s.call('POST', `/api/changes/${change.id}/approve`, {})).status).toBe(200);
  await until(
    async () => (await s.call('GET', `/api/agents/${agent.agent_id}`)).body.status === 'finished',
    'the run to finish',
  );
  const { rows } = await s.owner.query(
    `select e.step, count(*)::int as n from executions e join runs r on r.id = e.owner_id where r.number = $1 group by e.step order by e.step`,
    [agent.agent_id],
  );
  expect(rows.map((r) => r.step)).toEqual(rows.map((_r, i) => i));
  expect(
    (await s.owner.query('select count(*)::int as n from publications where slug = $1', [change.target])).rows[0].n,
  ).toBe(1);
  expect((await s.call('GET', '/audit/logs/verify')).body.data.valid).toBe(true);
  second.kill('SIGTERM');
  await once(second, 'exit');
}, 120_000);

import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { Client as Postgres } from 'pg';
import { caller, startServer, until, withoutTemporal, type Server } from '../harness';
import { temporal } from '../stack';
import { workflowId } from '../../workflows/ids';

let server: Server;
let connection: Connection;
beforeAll(async () => {
  server = await startServer();
  connection = await Connection.connect({ address: temporal().address });
});
afterAll(async () => {
  await connection.close();
  await server.close();
});

test('a decision whose answer was lost is acknowledged to its repeat, and to nobody else, though its workflow knows nothing of it', async () => {
  const { token } = await server.user('ADMIN');
  const ticket = await server.call('POST', '/api/tickets', { title: 'lost answer', auto_assign: false });
  const made = await server.call('POST', '/api/changes/request', {
    ticket_id: ticket.body.id,
    action: 'a',
    target: 't',
  });
  const path = `/api/changes/${made.body.change_id}/reject`;
  const reject = (key: string) => server.as(token)('POST', path, {}, { 'idempotency-key': key });
  expect(await reject('first')).toMatchObject({ status: 200 });

  // The API died before it kept its answer, and the server before history had the decision.
  await server.owner.query('delete from idempotency_keys');
  const { rows } = await server.owner.query<{ id: string }>('select id from gates');
  const id = workflowId('approvalGate', server.tenantId, rows[0]?.id ?? '');
  const { workflow } = new Client({ connection });
  await workflow.getHandle(id).result();
  // Deleting goes on behind its answer, and one that meets the closing of the workflow may be forgotten: so it is asked again.
  const gone = () =>
    connection.workflowService
      .deleteWorkflowExecution({ namespace: 'default', workflowExecution: { workflowId: id } })
      .then(() => workflow.getHandle(id).describe())
      .then(() => false)
      .catch((e: unknown) => /not found/i.test(String((e as Error).message)));
  await until(gone, 'its workflow to be gone', 100_000);

  expect(await reject('first')).toMatchObject({ status: 200, body: { status: 'rejected' } });
  expect(await reject('second')).toMatchObject({ status: 409 });
}, 150_000);

test('a request that takes long says that it lives: a repeat is told to wait, and then answered as the first', async () => {
  const make = () =>
    server.call('POST', '/api/tickets', { title: 'slow', auto_assign: false }, { 'idempotency-key': 'slow' });
  const claimed = async (since: string): Promise<boolean> =>
    (await server.owner.query(`select from idempotency_keys where key = 'slow' and started_at > ${since}`)).rowCount ===
    1;
  // Who holds the tenant's log lock keeps everybody from writing.
  const holder = new Postgres({ connectionString: server.config.databaseUrl ?? '' });
  await holder.connect();
  await holder.query('begin');
  await holder.query(`select pg_advisory_xact_lock(hashtextextended('log:' || $1::text, 0))`, [server.tenantId]);
  const first = make();
  await until(() => claimed(`'-infinity'`), 'the claim');
  // A claim of that age is a dead process's, and anybody's to take; unless its request says that it lives.
  await server.owner.query(`update idempotency_keys set started_at = now() - interval '1 hour' where key = 'slow'`);
  await until(() => claimed(`now() - interval '1 minute'`), 'the claim to be renewed');
  expect(await make()).toMatchObject({ status: 409 });
  await holder.query('commit');
  await holder.end();
  const { status, body } = await first;
  expect([status, body]).toEqual([200, expect.anything()]);
  expect(await make()).toMatchObject({ status, body });
  expect((await server.owner.query(`select from tickets where title = 'slow'`)).rowCount).toBe(1);
});

test('what a request makes is of the path it was asked at: the key of one postmortem does not name what was done to another', async () => {
  const key = { 'idempotency-key': 'two-postmortems' };
  const post = (path: string, body: object = {}) => server.call('POST', path, body, key);
  const tickets = [];
  for (const title of ['one', 'other'])
    tickets.push((await server.call('POST', '/api/tickets', { title, auto_assign: false })).body.id);
  const made = [];
  for (const ticket of tickets) {
    const { status, body } = await post(`/api/postmortems/synthesize/${ticket}`);
    expect([status, body]).toEqual([200, expect.objectContaining({ status: 'ready_for_review' })]);
    made.push(body.postmortem_id);
  }
  for (const [i, id] of made.entries()) {
    expect(await server.call('GET', `/api/postmortems/${id}`)).toMatchObject({ body: { ticket_id: tickets[i] } });
    expect(await post(`/api/postmortems/${id}/review`, { approved: true })).toMatchObject({ status: 200 });
    expect(await post(`/api/postmortems/${id}/promote`)).toMatchObject({ status: 200 });
    expect(await server.call('GET', `/api/postmortems/${id}`)).toMatchObject({ body: { status: 'promoted' } });
  }
}, 60_000);

test('a key whose request met trouble stays bound to its body: what it may have made is no answer to another', async () => {
  const ticket = await server.call('POST', '/api/tickets', { title: 'trouble', auto_assign: false });
  const change = { ticket_id: ticket.body.id, action: 'restart', target: 'web-1' };
  const key = { 'idempotency-key': 'trouble' };
  const alone = await withoutTemporal(server);
  const first = await caller(alone.url, server.token)('POST', '/api/changes/request', change, key);
  await alone.close();
  expect(first.status).toBe(503);
  const ask = (body: object) => server.call('POST', '/api/changes/request', body, key);
  expect(await ask({ ...change, action: 'delete' })).toMatchObject({ status: 422 });
  expect(await ask(change)).toMatchObject({ status: 200, body: { status: 'pending' } });
  // A refusal leaves it free.
  const free = { 'idempotency-key': 'refused' };
  const other = (body: object) => server.call('POST', '/api/changes/request', body, free);
  expect(await other({ ...change, ticket_id: 2_000_000_000 })).toMatchObject({ status: 404 });
  expect(await other(change)).toMatchObject({ status: 200 });
}, 60_000);

test('a claim that waits says seldom that it lives, and is not taken for dead meanwhile', async () => {
  const key = { 'idempotency-key': randomUUID() };
  const ask = () => server.call('POST', '/api/agents/tasks/claim', { wait: 3, labels: [`owning_group=${randomUUID()}`] }, key);
  const row = () => server.owner.query<{ renewed: boolean }>(
    `select started_at > expires_at - interval '1 day' + interval '1 second' as renewed from idempotency_keys where key = $1`, [key['idempotency-key']]);
  expect((await ask()).body.task).toBeNull();
  expect((await row()).rows).toEqual([{ renewed: false }]);
  const body = { wait: 5, labels: ['owning_group=nobody'] };
  key['idempotency-key'] = randomUUID();
  const first = server.call('POST', '/api/agents/tasks/claim', body, key);
  await until(async () => (await row()).rowCount === 1, 'the claim of the key');
  await server.owner.query(`update idempotency_keys set started_at = now() - interval '8 seconds' where key = $1`, [key['idempotency-key']]);
  expect((await server.call('POST', '/api/agents/tasks/claim', body, key)).status).toBe(409);
  expect((await first).body.task).toBeNull();
}); // prettier-ignore

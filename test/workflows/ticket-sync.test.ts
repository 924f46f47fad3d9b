import type { Client } from '@temporalio/client';
import { workflowId } from '../../workflows/ids';
import { until, type Server } from '../harness';
import type { StubItop } from '../stub-itop';
import { kill, workerProcess } from '../worker-process';
import { besideItop } from './itop';
import { keep } from './keep';

// What is told to iTop about one ticket, while iTop and the worker fail. On the dev server.

let s: Server;
let itop: StubItop;
let client: Client;
const beside = besideItop();
beforeAll(() => void ({ s, itop, client } = beside));

const make = async (title: string, more: object = {}) =>
  (await s.call('POST', '/api/tickets', { title, ...more })).body;
const ticket = async (id: number) => (await s.call('GET', `/api/tickets/${id}`)).body;
const push = (id: number) => s.call('POST', `/api/tickets/${id}/push-provider`, { provider: 'itop' });
const process_ = async (id: number) => {
  const { rows } = await s.owner.query<{ id: string }>('select id from tickets where number = $1', [id]);
  return client.workflow.getHandle(workflowId('ticketSync', s.tenantId, rows[0]?.id ?? ''));
};
const kinds = async (id: number): Promise<string[]> =>
  (
    await s.owner.query<{ kind: string }>(
      `select kind from log where ticket_id = (select id from tickets where number = $1) and kind like 'ticket.%' order by seq`,
      [id],
    )
  ).rows.map((r) => r.kind);
const creates = (title: string) =>
  itop.calls.filter((c) => c.operation === 'core/create' && c.fields?.['title'] === title).length;

test('a ticket that is refused stands here, says why, and is there as soon as iTop takes it', async () => {
  itop.fails('core/create', { kind: 'code', code: 100, message: 'Error: the database is read-only' });
  const t = await make('Refused at first');
  expect(t).toMatchObject({
    provider_sync_status: 'create_failed', provider_ref: null,
    provider_last_error: 'iTop refused core/create: Error: the database is read-only (code 100)', provider_next_try_at: expect.any(String),
  }); // prettier-ignore
  const waiting = await process_(t.id);
  await keep('ticketSync.create-failed', waiting);
  const again = await push(t.id);
  expect([again.status, again.body.error]).toEqual([502, expect.stringContaining('read-only')]);
  itop.heals();
  const known = await until(async () => {
    const now = await ticket(t.id);
    return now.provider_sync_status === 'synced' && now;
  }, 'the retry');
  expect(known).toMatchObject({ provider_last_error: null, provider_next_try_at: null });
  expect(itop.tickets('Refused at first')).toHaveLength(1);
  await until(async () => (await waiting.describe()).status.name === 'COMPLETED', 'the end of the workflow');
  await keep('ticketSync.retried', waiting);
  expect(await kinds(t.id)).toEqual([
    'ticket.created', 'ticket.sync_requested', 'ticket.sync_failed', 'ticket.sync_requested', 'ticket.provider_created',
  ]); // prettier-ignore
});

test.each([
  ['HTTP 503', { kind: 'http', status: 503 }, 'iTop answered HTTP 503'],
  ['a page of PHP', { kind: 'page' }, 'iTop answered something else than its REST services do'],
  ['no answer', { kind: 'silence' }, 'iTop did not answer within 1000 ms'],
] as const)('%s is trouble that is kept', async (name, what, words) => {
  itop.fails('core/create', what, 1);
  const t = await make(`Trouble: ${name}`);
  expect(t).toMatchObject({ provider_sync_status: 'create_failed', provider_last_error: words });
  await until(async () => (await ticket(t.id)).provider_sync_status === 'synced', 'the retry');
  expect(itop.tickets(`Trouble: ${name}`)).toHaveLength(1);
});

test('a creation whose answer was lost is found again, and not done twice', async () => {
  itop.fails('core/create', { kind: 'deaf' }, 1);
  const t = await make('Answer lost');
  expect(t.provider_sync_status).toBe('create_failed');
  await push(t.id); // too early to know: nothing is created meanwhile
  await until(async () => (await ticket(t.id)).provider_sync_status === 'synced', 'the retry');
  expect(itop.tickets('Answer lost')).toHaveLength(1);
  expect(creates('Answer lost')).toBe(1);
  expect((await ticket(t.id)).provider_ref).toBe(String(itop.tickets('Answer lost')[0]?.id));
});

test('pushed by two at once, and by a third while it is created, it is one ticket', async () => {
  const t = await make('Pushed twice', { sync_provider: false });
  itop.fails('core/create', { kind: 'slow', ms: 500 });
  const answers = await Promise.all([push(t.id), push(t.id), push(t.id)]);
  expect(answers.map((a) => [a.status, a.body.provider_ref])).toEqual(
    Array(3).fill([200, String(itop.tickets('Pushed twice')[0]?.id)]),
  );
  expect(creates('Pushed twice')).toBe(1);
  const ended = await process_(t.id);
  await until(async () => (await ended.describe()).status.name === 'COMPLETED', 'the end of the workflow');
  await keep('ticketSync.shared', ended);
});

test('a worker that is killed between the creation there and the commit here leaves one ticket', async () => {
  await s.stopWorker();
  const first = await workerProcess(s, itop.settings());
  itop.fails('core/create', { kind: 'deaf' }, 1); // done there; its answer meets nobody
  const made = make('Killed in between');
  await until(async () => Promise.resolve(creates('Killed in between') === 1), 'the creation');
  await kill(first);
  await s.startWorker();
  const t = await made;
  await until(async () => (await ticket(t.id)).provider_sync_status === 'synced', 'another worker');
  expect(itop.tickets('Killed in between')).toHaveLength(1);
  expect(creates('Killed in between')).toBe(1);
}, 60_000);

test('a close that fails leaves the status alone, is kept, and is done when it can be; one that is reopened is not closed', async () => {
  const t = await make('Nobody has it', { ticket_class: 'Incident' });
  const set = (status: string) =>
    s.call('POST', `/api/tickets/${t.id}/status`, { status, reason: 'Contained', close_provider: true });
  const refused = (await set('resolved')).body;
  expect(refused).toMatchObject({
    status: 'resolved',
    provider_result: { status: 'close_failed', reason: expect.stringContaining('ITOP_DEFAULT_TEAM_ID') },
  });
  expect(await ticket(t.id)).toMatchObject({
    status: 'resolved', provider_sync_status: 'close_failed', provider_drift: [{ field: 'status', local: 'resolved', provider: 'new' }],
  }); // prettier-ignore
  expect((await s.call('POST', `/api/tickets/${t.id}/status`, { status: 'in_progress' })).status).toBe(200);
  expect(await ticket(t.id)).toMatchObject({ provider_sync_status: 'synced', provider_last_error: null });

  expect((await set('resolved')).body.provider_result.status).toBe('close_failed');
  Object.assign(itop.ticket(t.provider_ref).fields, {
    team_id: String(itop.ids.team),
    agent_id: String(itop.ids.agent),
  });
  await until(async () => (await ticket(t.id)).provider_sync_status === 'synced', 'the retry');
  expect(itop.ticket(t.provider_ref).fields).toMatchObject({ status: 'resolved', solution: 'Contained' });
  expect(await kinds(t.id)).toContain('ticket.provider_closed');
});

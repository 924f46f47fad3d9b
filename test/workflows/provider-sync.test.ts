import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import type { providerSync } from '../../workflows';
import { workflowId } from '../../workflows/ids';
import { until, type Server } from '../harness';
import type { StubItop } from '../stub-itop';
import { besideItop } from './itop';
import { keep } from './keep';

// All of iTop's tickets at once: what is new, what changed, what agrees. On the dev server.

let s: Server;
let itop: StubItop;
let client: Client;
const beside = besideItop();
beforeAll(() => void ({ s, itop, client } = beside));

const start = (mode: 'discover' | 'full') =>
  client.workflow.start<typeof providerSync>('providerSync', {
    workflowId: `${s.config.taskQueuePrefix}-${mode}-${randomUUID()}`,
    taskQueue: `${s.config.taskQueuePrefix}-lifecycle`,
    args: [{ tenantId: null, provider: 'itop', queue: `${s.config.taskQueuePrefix}-integrations`, mode }],
  });
const all = (body?: unknown) =>
  s.call('POST', '/api/tickets/sync-all', typeof body === 'string' ? JSON.stringify(body) : body);
const rowOf = async (key: number) =>
  (await s.owner.query('select number, title, status from tickets where provider_ref = $1', [String(key)])).rows[0];
const ticket = async (key: number) => (await s.call('GET', `/api/tickets/${(await rowOf(key)).number}`)).body;
const foundBy = async (key: number) =>
  (
    await s.owner.query(
      `select body -> 'found' as found, body -> 'auto_assign' as auto from log
       where kind = 'ticket.created' and body ->> 'provider_ref' = $1`,
      [String(key)],
    )
  ).rows;
const classes = ['Incident', 'UserRequest', 'RoutineChange', 'NormalChange', 'EmergencyChange'];

test('500 tickets come here in one call, once, of all classes, and no agent is assigned to them', async () => {
  for (let i = 0; i < 500; i += 1)
    itop.make(classes[i % 5] ?? '', { title: `Old ${i}`, description: `<p>Text ${i}</p>` });
  const first = await all('itop');
  expect([first.status, first.body]).toEqual([200, { provider: 'itop', synced: 500, errors: 0, new: 500 }]);
  const again = await s.call('POST', '/api/providers/itop/sync-all');
  expect(again.body).toEqual({ provider: 'itop', synced: 500, errors: 0, new: 0 });
  const { rows } = await s.owner.query(
    'select count(*)::int as n, count(distinct provider_ref)::int as refs from tickets',
  );
  expect(rows).toEqual([{ n: 500, refs: 500 }]);
  expect(await foundBy(itop.tickets('Old 7')[0]?.id ?? 0)).toEqual([{ found: 'full_sync', auto: false }]);
  expect((await s.call('GET', '/api/providers')).body.providers[1].last_sync).toMatchObject({
    at: expect.any(String), synced: 500, errors: 0, new: 0, error: null,
  }); // prettier-ignore
  expect((await s.call('GET', '/audit/logs/verify')).body.data.valid).toBe(true);
}, 60_000);

test('what is new afterwards is found by discovery, which says that agents may be assigned; a full look leaves it to that', async () => {
  const made = itop.make('Incident', { title: 'Brand new' });
  const full = await start('full');
  expect(await full.result()).toMatchObject({ errors: 0, new: 0 });
  expect(await rowOf(made.id)).toBeUndefined();
  const discovery = await start('discover');
  expect(await discovery.result()).toMatchObject({ new: 1, errors: 0 });
  await keep('providerSync.discovered', discovery);
  expect(await foundBy(made.id)).toEqual([{ found: 'discovery', auto: true }]);
  expect(await (await start('discover')).result()).toMatchObject({ new: 0 });
});

test('what changed there changes here by its field’s rule; what was changed on both sides stays, and is shown', async () => {
  const there = itop.tickets('Old 0')[0];
  const key = there?.id ?? 0;
  const { number } = await rowOf(key);
  Object.assign(there?.fields ?? {}, {
    title: 'Old 0, renamed', status: 'assigned', impact: '2', urgency: '2', priority: '2',
    agent_id: String(itop.ids.agent), agent_name: 'Ada Agent',
  }); // prettier-ignore
  // What was changed there is not written over, and a team that iTop does not know is nobody's there.
  await s.call('POST', `/api/tickets/${number}/assignment`, { priority: 'P1', assignee_team: 'Ours' });
  expect(there?.fields).toMatchObject({ impact: '2', urgency: '2' });
  expect((await all({ provider: 'itop' })).body).toMatchObject({ errors: 0 });
  expect(await ticket(key)).toMatchObject({
    title: 'Old 0, renamed', status: 'assigned', priority: 'P1', assignee: 'Ada Agent', assignee_team: 'Ours',
    provider_drift: [
      { field: 'priority', local: 'P1', provider: '2' },
      { field: 'assignee_team', local: 'Ours', provider: null },
    ],
  }); // prettier-ignore

  // Ours is further on: a look takes nothing back. Theirs is over: that counts here as well.
  for (const status of ['in_progress', 'pending_approval'])
    await s.call('POST', `/api/tickets/${number}/status`, { status });
  Object.assign(there?.fields ?? {}, { status: 'new' });
  await all();
  expect(await ticket(key)).toMatchObject({ status: 'pending_approval' });
  Object.assign(there?.fields ?? {}, { status: 'resolved' });
  await all();
  expect(await ticket(key)).toMatchObject({ status: 'resolved' });
});

test('an entry of a log becomes one note, and steers the agent that works on the ticket', async () => {
  const key = itop.tickets('Old 5')[0]?.id ?? 0;
  const { number } = await rowOf(key);
  await s.call('POST', '/api/changes/request', { ticket_id: number, action: 'restart', target: 'web-1' });
  const run = (await s.call('POST', `/api/tickets/${number}/assign-agent`, {})).body;
  itop.writes(key, 'public_log', '<p>It is <b>back</b> &amp; worse</p>', 'rita');
  await all();
  await all();
  await s.call('POST', `/api/tickets/${number}/sync`);
  const notes = await s.owner.query(
    `select body, author from ticket_notes where source = 'itop' and external_ref like $1`,
    [`itop:Incident:${key}:public_log:%`],
  );
  expect(notes.rows).toEqual([{ body: 'It is back & worse', author: 'rita' }]);
  const { events } = (await s.call('GET', `/api/agents/${run.agent_id}/steering`)).body;
  expect(events.map((e: any) => [e.source, e.author, e.body])).toEqual([['itop', 'rita', 'It is back & worse']]);
});

test('trouble with one class is counted, the others are looked at; with all of them it is 502', async () => {
  itop.make('NormalChange', { title: 'Seen though' });
  itop.fails('core/get', { kind: 'http', status: 500 }, 1, 'Incident');
  const some = (await all('itop')).body;
  expect(some).toMatchObject({ errors: 1, new: 1 });
  const ofTenant = client.workflow.getHandle(workflowId('providerSync', s.tenantId, 'itop'));
  await keep('providerSync.partly', ofTenant);
  expect((await s.call('GET', '/api/providers')).body.providers[1].last_sync.error).toBe('iTop answered HTTP 500');
  itop.fails('core/check_credentials', { kind: 'code', code: 1, message: 'Error: Invalid login' });
  const none = await all('itop');
  expect([none.status, none.body.error]).toEqual([502, expect.stringContaining('Invalid login')]);
  await keep('providerSync.not-let-in', ofTenant);
  expect((await all('local')).body).toEqual({ provider: 'local', synced: 0, errors: 0, new: 0 });
  expect((await all('jira')).status).toBe(400);
});

test('what was to be told by a process that was terminated is told after a look', async () => {
  itop.fails('core/create', { kind: 'http', status: 503 });
  const t = (await s.call('POST', '/api/tickets', { title: 'Left behind' })).body;
  expect(t.provider_sync_status).toBe('create_failed');
  itop.heals();
  const { rows } = await s.owner.query('select id from tickets where number = $1', [t.id]);
  await client.workflow.getHandle(`ticketSync:${s.tenantId}:${rows[0].id}`).terminate('by an operator');
  await s.owner.query(
    `update ticket_links set next_try_at = now() - interval '1 hour', creating_until = now() where ticket_id = $1`,
    [rows[0].id],
  );
  itop.fails('core/get', { kind: 'slow', ms: 200 });
  const before = itop.calls.length;
  const full = await start('full');
  await until(() => Promise.resolve(itop.calls.slice(before).some((c) => c.class === 'UserRequest')), 'a second class');
  await keep('providerSync.suspended', full);
  await full.result();
  expect((await s.call('GET', `/api/tickets/${t.id}`)).body.provider_sync_status).toBe('synced');
  expect(itop.tickets('Left behind')).toHaveLength(1);
});

test('a ticket of ours that discovery sees before we know that it was created is not taken for another', async () => {
  itop.fails('core/create', { kind: 'deaf' }, 1);
  const t = (await s.call('POST', '/api/tickets', { title: 'Half known' })).body;
  expect(t.provider_sync_status).toBe('create_failed');
  const stray = itop.make('UserRequest', {
    title: 'Copied',
    description: String(itop.tickets('Half known')[0]?.fields['description']),
  });
  await (await start('discover')).result();
  const known = await until(async () => {
    const now = (await s.call('GET', `/api/tickets/${t.id}`)).body;
    return now.provider_sync_status === 'synced' && now;
  }, 'the creation to be known');
  expect(known.provider_ref).toBe(String(itop.tickets('Half known')[0]?.id));
  // A mark that somebody copied makes no ticket ours: it is one of its own.
  await (await start('discover')).result();
  expect((await rowOf(stray.id))?.title).toBe('Copied');
  const forged = itop.make('UserRequest', {
    title: 'Forged',
    description: `[wheelhouse:${randomUUID()}:${'0'.repeat(32)}]`,
  });
  await (await start('discover')).result();
  expect((await rowOf(forged.id))?.title).toBe('Forged');
});

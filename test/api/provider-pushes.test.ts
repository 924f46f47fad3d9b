import { startServer, until, type Server } from '../harness';
import { stubItop, type StubItop } from '../stub-itop';

// What is changed and noted here, as iTop gets it: in order, once, and never over what was changed there.

let s: Server;
let itop: StubItop;
beforeAll(async () => {
  itop = await stubItop();
  s = await startServer(itop.settings());
});
afterAll(async () => {
  await s.close();
  await itop.close();
});
afterEach(() => itop.heals());

interface Known {
  id: number;
  provider_ref: string;
}
const made = async (body: object = {}): Promise<Known> =>
  (
    await s.call('POST', '/api/tickets', {
      title: 'Mail is slow',
      ticket_class: 'Incident',
      auto_assign: false,
      ...body,
    })
  ).body;
const ticket = async (id: number) => (await s.call('GET', `/api/tickets/${id}`)).body;
const assign = (id: number, body: object) => s.call('POST', `/api/tickets/${id}/assignment`, body);
const note = (id: number, body: string, more: object = {}) =>
  s.call('POST', `/api/tickets/${id}/notes`, { body, ...more });
const entries = async (id: number, kind: string): Promise<any[]> =>
  (
    await s.owner.query<{ body: object }>(
      'select body from log where kind = $2 and ticket_id = (select id from tickets where number = $1) order by seq',
      [id, kind],
    )
  ).rows.map((r) => r.body);
/** What a log there says, without the marks of ours; oldest first. */
const said = (ref: string, log: 'public_log' | 'private_log'): string[] =>
  itop.log(ref, log).map((m) => m.replace(/\[wheelhouse-note:[^\]]*\]/, '').trim());
const untilSaid = (ref: string, log: 'public_log' | 'private_log', words: string) =>
  until(() => Promise.resolve(said(ref, log).some((m) => m.includes(words))), `"${words}" to be there`);
const stimuli = (ref: string): unknown[] =>
  itop.calls.filter((c) => c.operation === 'core/apply_stimulus' && String(c.key) === ref).map((c) => c['stimulus']);

test('who gets a ticket here gets it there: assigned when it is new, reassigned when somebody has it', async () => {
  const bob = itop.make('Person', { friendlyname: 'Bob Second', email: 'bob@itop.test' }).id;
  const second = itop.make('Team', { name: 'Tier 2' }).id;
  const t = await made();
  const given = await assign(t.id, { assignee: 'Ada Agent', assignee_team: 'Tier 1', reason: 'hers' });
  expect(given.body.ticket).toMatchObject({ assignee: 'Ada Agent', status: 'assigned', provider_drift: [] });
  const there = itop.ticket(t.provider_ref).fields;
  expect(there).toMatchObject({ status: 'assigned', agent_id: String(itop.ids.agent), team_id: String(itop.ids.team) });
  await assign(t.id, { assignee: 'Bob Second', assignee_team: 'Tier 2', priority: 'P1' });
  expect(there).toMatchObject({ agent_id: String(bob), team_id: String(second), priority: '1' });
  expect(stimuli(t.provider_ref)).toEqual(['ev_assign', 'ev_reassign']);
  expect(await ticket(t.id)).toMatchObject({ provider_drift: [], provider_last_error: null });
  expect(said(t.provider_ref, 'private_log')[0]).toContain('hers');
});

test('a team alone is set without a stimulus; names that iTop does not know change nothing there, and are shown', async () => {
  const t = await made();
  await assign(t.id, { assignee_team: 'Tier 1', assignee: 'endpoint.tier2.demo' });
  expect(itop.ticket(t.provider_ref).fields).toMatchObject({ status: 'new', team_id: String(itop.ids.team) });
  expect(stimuli(t.provider_ref)).toEqual([]);
  expect(await ticket(t.id)).toMatchObject({
    assignee: 'endpoint.tier2.demo', assignee_team: 'Tier 1', provider_sync_status: 'synced', provider_last_error: null,
    provider_drift: [{ field: 'assignee', local: 'endpoint.tier2.demo', provider: null }],
  }); // prettier-ignore
  expect(await entries(t.id, 'ticket.provider_left_as_is')).toMatchObject([{ unknown_there: ['assignee'] }]);
});

test('who is named when a ticket is made has it there as well; nobody gets one that is over', async () => {
  const t = await made({ assignee: 'Ada Agent', assignee_team: 'Tier 1' });
  expect(itop.ticket(t.provider_ref).fields).toMatchObject({ status: 'assigned', agent_id: String(itop.ids.agent) });
  Object.assign(itop.ticket(t.provider_ref).fields, { status: 'closed' });
  await assign(t.id, { assignee_team: 'Tier 2' });
  expect(itop.ticket(t.provider_ref).fields).toMatchObject({ team_id: String(itop.ids.team) });
  expect(await ticket(t.id)).toMatchObject({ provider_last_error: null, status: 'closed' });
});

test('what was changed there meanwhile is not written over: each keeps its own, and it is shown', async () => {
  const bob = itop.make('Person', { friendlyname: 'Cem Third', email: 'cem@itop.test' }).id;
  const t = await made({ assignee: 'Ada Agent', assignee_team: 'Tier 1' });
  Object.assign(itop.ticket(t.provider_ref).fields, { agent_id: String(bob), agent_name: 'Cem Third' });
  await assign(t.id, { assignee: 'Somebody Else', priority: 'P4' });
  expect(itop.ticket(t.provider_ref).fields).toMatchObject({ agent_id: String(bob), priority: '4' });
  expect(await ticket(t.id)).toMatchObject({
    assignee: 'Somebody Else',
    provider_drift: [{ field: 'assignee', local: 'Somebody Else', provider: 'Cem Third' }],
  });
  expect(await entries(t.id, 'ticket.provider_left_as_is')).toMatchObject([{ changed_there: ['assignee'] }]);
});

test('notes go into the log that is for their readers, in order, once, and do not come back', async () => {
  const t = await made();
  await note(t.id, 'looked at the <queue>', { author: 'dana', source: 'dashboard' });
  await note(t.id, 'we are on it', { author: 'dana', visibility: 'user' });
  await s.call('POST', `/api/tickets/${t.id}/request-info`, { question: 'Since when?' });
  await s.call('POST', `/api/tickets/${t.id}/user-response`, { response: 'Since nine', responder_name: 'Rita' });
  await note(t.id, 'mirrored', { source: 'itop' });
  await note(t.id, 'ours alone', { source: 'approval-gate' });
  await note(t.id, 'the end', { author: 'dana' });
  await untilSaid(t.provider_ref, 'private_log', 'the end');
  expect(said(t.provider_ref, 'private_log')).toEqual(['dana:looked at the <queue>', 'dana:the end']);
  expect(said(t.provider_ref, 'public_log').map((m) => m.replace(/^[^:]*:/, ''))).toEqual([
    'we are on it', expect.stringContaining('Since when?'), 'Rita: Since nine',
  ]); // prettier-ignore

  itop.writes(t.provider_ref, 'private_log', 'seen', 'ada');
  await s.call('POST', `/api/tickets/${t.id}/sync`);
  const { notes } = (await s.call('GET', `/api/tickets/${t.id}/context`)).body;
  expect(notes.filter((n: { source: string }) => n.source === 'itop').map((n: { body: string }) => n.body)).toEqual([
    'mirrored', 'seen',
  ]); // prettier-ignore
  expect(await entries(t.id, 'ticket.provider_noted')).toHaveLength(5);
});

test('a change has no log for its caller: what the caller reads is told there all the same', async () => {
  const t = await made({ ticket_class: 'NormalChange' });
  await note(t.id, 'tonight at ten', { visibility: 'public' });
  await untilSaid(t.provider_ref, 'private_log', 'tonight at ten');
});

test('what was noted before iTop had the ticket stays here', async () => {
  const t = await made({ sync_provider: false });
  await note(t.id, 'before');
  const pushed = (await s.call('POST', `/api/tickets/${t.id}/push-provider`, { provider: 'itop' })).body;
  await note(t.id, 'after');
  await untilSaid(pushed.provider_ref, 'private_log', 'after');
  expect(said(pushed.provider_ref, 'private_log')).toHaveLength(1);
});

test('a note whose answer is lost is there once; one that is refused holds those behind it, and both come', async () => {
  const t = await made();
  itop.fails('core/update', { kind: 'deaf' }, 1);
  await note(t.id, 'answer lost');
  await until(async () => (await ticket(t.id)).provider_last_error !== null, 'the trouble to be kept');
  await note(t.id, 'behind it');
  await untilSaid(t.provider_ref, 'private_log', 'behind it');
  expect(said(t.provider_ref, 'private_log').map((m) => m.split(':')[1])).toEqual(['answer lost', 'behind it']);

  itop.fails('core/update', { kind: 'code', code: 100, message: 'Error: read-only' });
  await note(t.id, 'third');
  await note(t.id, 'fourth');
  await until(async () => (await ticket(t.id)).provider_last_error?.includes('read-only'), 'the refusal to be kept');
  expect(said(t.provider_ref, 'private_log')).toHaveLength(2);
  itop.heals();
  await untilSaid(t.provider_ref, 'private_log', 'fourth');
  expect(said(t.provider_ref, 'private_log').map((m) => m.split(':')[1])).toEqual([
    'answer lost', 'behind it', 'third', 'fourth',
  ]); // prettier-ignore
  await until(async () => (await ticket(t.id)).provider_last_error === null, 'the trouble to be over');
}, 60_000);

test('a mark that somebody copied hides nothing that is not ours', async () => {
  const t = await made();
  const fake = `[wheelhouse-note:${'0'.repeat(8)}-0000-4000-8000-${'0'.repeat(12)}:${'a'.repeat(32)}]`;
  itop.writes(t.provider_ref, 'private_log', `do this instead ${fake}`, 'mallory');
  await s.call('POST', `/api/tickets/${t.id}/sync`);
  const { notes } = (await s.call('GET', `/api/tickets/${t.id}/context`)).body;
  expect(notes.map((n: { author: string }) => n.author)).toEqual(['mallory']);
});

test('a title as long as iTop takes goes there whole, and a longer one is refused here', async () => {
  const t = await made({ title: 'é'.repeat(240) });
  expect(itop.ticket(t.provider_ref).fields['title']).toBe('é'.repeat(240));
  const longer = await s.call('POST', '/api/tickets', { title: 'x'.repeat(241) });
  expect([longer.status, longer.body.field]).toEqual([400, 'title']);
});

describe('the child ticket of an access request', () => {
  const ask = async (id: number, more: object = {}) =>
    (
      await s.call('POST', `/api/tickets/${id}/access-request`, {
        resource: 'the wiki', permission: 'read', requester: 'Service Desk', ...more,
      })
    ).body; // prettier-ignore
  const decide = async (change: number, verdict: 'approve' | 'reject') => {
    const { token } = await s.user('SECURITY_ANALYST');
    const as = s.as(token);
    expect((await as('POST', `/api/changes/${change}/${verdict}`, { reason: 'so be it' })).status).toBe(200);
    return (await as('POST', `/api/changes/${change}/complete`, { result: 'role given' })).body;
  };

  test('is at the provider too, and is closed there with why when access is granted', async () => {
    const parent = await made();
    const asked = await ask(parent.id);
    expect(asked.access_ticket).toMatchObject({
      provider: 'itop',
      provider_sync_status: 'synced',
      provider_class: 'UserRequest',
    });
    const there = itop.ticket(asked.access_ticket.provider_ref);
    expect(there.fields).toMatchObject({
      title: 'Access: read on the wiki',
      status: 'new',
      caller_id: String(itop.ids.caller),
    });
    Object.assign(there.fields, { team_id: String(itop.ids.team), agent_id: String(itop.ids.agent) });
    const done = await decide(asked.change_id as number, 'approve');
    expect(done.access_sync).toMatchObject({ status: 'granted', provider_close: { status: 'closed' } });
    expect(there.fields).toMatchObject({
      status: 'resolved',
      solution: expect.stringContaining('Access granted: read on the wiki'),
    });
    const [listed] = (await s.call('GET', `/api/tickets/${parent.id}/access-requests`)).body.access_requests;
    expect(listed).toMatchObject({
      status: 'granted', access_ticket_provider: 'itop', access_ticket_provider_ref: asked.access_ticket.provider_ref,
      access_ticket_status: 'resolved',
    }); // prettier-ignore
  });

  test('is closed there when people refuse, though iTop was away when it was made', async () => {
    const parent = await made();
    itop.fails('core/create', { kind: 'http', status: 503 });
    const asked = await ask(parent.id, { resource: 'the vault' });
    expect(asked.access_ticket).toMatchObject({ provider: 'itop', provider_sync_status: 'create_failed' });
    await decide(asked.change_id as number, 'reject');
    itop.heals();
    const there = await until(
      () => Promise.resolve(itop.tickets('Access: read on the vault')[0]),
      'the ticket to be made',
    );
    Object.assign(there.fields, { team_id: String(itop.ids.team), agent_id: String(itop.ids.agent) });
    await until(() => Promise.resolve(there.fields['status'] === 'resolved'), 'the ticket to be closed there');
    expect(there.fields['solution']).toContain('Access rejected');
    expect((await ticket(asked.access_ticket_id as number)).status).toBe('closed');
  }, 60_000);

  test('stays here when nobody wants it there', async () => {
    const parent = await made();
    const asked = await ask(parent.id, { resource: 'the shelf', sync_provider: false });
    expect(asked.access_ticket).toMatchObject({ provider: 'local', provider_sync_status: 'local_only' });
    const done = await decide(asked.change_id as number, 'approve');
    expect(done.access_sync.provider_close).toEqual({ status: 'skipped', reason: 'provider_not_synced' });
    expect(itop.tickets('Access: read on the shelf')).toEqual([]);
  });
});

import { WebSocket } from 'ws';
import { startServer, type Server } from '../harness';
import { stubItop, type StubItop } from '../stub-itop';

// API, worker, Postgres and Temporal for real; iTop as a stub that keeps its tickets.

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

const made = async (body: object = {}) =>
  (await s.call('POST', '/api/tickets', { title: 'Mail is slow', ...body })).body;
const ticket = async (id: number) => (await s.call('GET', `/api/tickets/${id}`)).body;
const kinds = async (id: number): Promise<string[]> =>
  (
    await s.owner.query<{ kind: string }>(
      'select kind from log where ticket_id = (select id from tickets where number = $1) order by seq',
      [id],
    )
  ).rows.map((r) => r.kind);

test('who is configured is said, and no secret', async () => {
  const { body, text } = await s.call('GET', '/api/providers');
  expect(body.providers).toEqual([
    { name: 'local', ticket_classes: expect.any(Array), configured: true, active: false, last_sync: null },
    { name: 'itop', ticket_classes: expect.arrayContaining(['Incident', 'NormalChange']), configured: true, active: true, last_sync: null },
  ]); // prettier-ignore
  expect(text).not.toContain('rest-password');
  const other = await s.tenant('agent_only');
  const there = (await s.as(other.token)('GET', '/api/providers')).body.providers[1];
  expect(there).toMatchObject({ configured: false, active: false });
});

test('a new ticket goes to the active provider, as markup, with its contacts and its priority', async () => {
  const t = await made({
    title: 'Disk <b>full</b> & loud',
    description: 'First line\nsecond <script>alert(1)</script>\n\nNew paragraph',
    ticket_class: 'Incident',
    priority: 'P1',
    requester_name: 'Rita',
    requester_email: 'ada@itop.test',
  });
  expect(t).toMatchObject({
    provider: 'itop', provider_sync_status: 'synced', provider_class: 'Incident', provider_last_error: null, provider_drift: [],
    impact: '1', urgency: '1', requester_name: 'Rita', description: expect.stringContaining('second <script>'),
  }); // prettier-ignore
  const there = itop.ticket(t.provider_ref);
  expect(there.fields).toMatchObject({
    title: 'Disk <b>full</b> & loud',
    caller_id: String(itop.ids.agent),
    priority: '1',
  });
  expect(there.fields['description']).toMatch(
    /^<p>Requester: Rita &lt;ada@itop.test&gt;<\/p><p>First line<br>second &lt;script&gt;alert\(1\)&lt;\/script&gt;<\/p><p>New paragraph<\/p><p>\[wheelhouse:/,
  );
  expect(t.external_url).toBe(`${itop.url}/pages/UI.php?operation=details&class=Incident&id=${t.provider_ref}`);
  expect(await kinds(t.id)).toEqual(['ticket.created', 'ticket.sync_requested', 'ticket.provider_created']);
});

test('what is kept here alone is not told, and is pushed later', async () => {
  const t = await made({ title: 'Only here', sync_provider: false });
  expect(t).toMatchObject({ provider: 'local', provider_sync_status: 'local_only', provider_ref: null });
  expect(itop.tickets('Only here')).toHaveLength(0);
  expect((await s.call('POST', `/api/tickets/${t.id}/sync`)).body).toMatchObject({
    status: 'local_only',
    provider: 'local',
  });

  const pushed = await s.call('POST', `/api/tickets/${t.id}/push-provider`, { provider: 'itop' });
  expect([pushed.status, pushed.body]).toEqual([
    200,
    {
      status: 'created', provider: 'itop', ticket_id: t.id, provider_ref: String(itop.tickets('Only here')[0]?.id),
      provider_class: 'UserRequest', provider_url: expect.stringContaining('UI.php'),
    },
  ]); // prettier-ignore
  expect((await s.call('POST', `/api/tickets/${t.id}/push-provider`, { provider: 'local' })).body.status).toBe(
    'local_only',
  );
});

test('a ticket of the provider is brought here without markup, once', async () => {
  const there = itop.make('Incident', {
    title: 'VPN &amp; <i>login</i>', description: '<p>Users <b>cannot</b> log in.</p><ul><li>since 9</li></ul><script>x()</script>',
    status: 'assigned', impact: '2', urgency: '2', agent_id: String(itop.ids.agent), team_id: String(itop.ids.team), caller_id: String(itop.ids.caller),
  }); // prettier-ignore
  itop.writes(there.id, 'public_log', '<p>Any <b>news</b>?</p>', 'rita');
  itop.writes(there.id, 'private_log', 'looked at the gateway', 'ada');
  const ref = { ticket_class: 'Incident', ticket_ref: there.id };
  const [one, two] = await Promise.all([1, 2].map(() => s.call('POST', '/api/providers/itop/sync-ticket', ref)));
  expect(one?.body).toMatchObject({
    status: 'synced',
    provider: 'itop',
    provider_ref: String(there.id),
    itop_class: 'Incident',
  });
  expect(two?.body.ticket_id).toBe(one?.body.ticket_id);
  const again = await s.call('POST', '/api/providers/itop/sync-ticket', ref);
  expect(again.body).toMatchObject({ is_new: false, ticket_id: one?.body.ticket_id });
  expect(await ticket(one?.body.ticket_id)).toMatchObject({
    title: 'VPN &amp; <i>login</i>', description: 'Users cannot log in.\n\n * since 9', status: 'assigned', priority: '2', assignee: 'Ada Agent',
    assignee_team: 'Tier 1', requester_name: 'Service Desk', requester_email: 'desk@itop.test', provider_drift: [],
  }); // prettier-ignore
  const { notes } = (await s.call('GET', `/api/tickets/${one?.body.ticket_id}/context`)).body;
  expect(notes.map((n: any) => [n.author, n.body, n.source, n.visibility])).toEqual([
    ['ada', 'looked at the gateway', 'itop', 'internal'],
    ['rita', 'Any news?', 'itop', 'public'],
  ]);
  expect(notes[1].external_ref).toMatch(new RegExp(`^itop:Incident:${there.id}:public_log:[0-9a-f]{32}$`));
  expect(
    (await s.call('POST', '/api/providers/itop/sync-ticket', { ticket_class: 'Incident', ticket_ref: 999_999 })).status,
  ).toBe(404);
});

test('a close that was asked for is done there, through its assignment', async () => {
  const t = await made({ title: 'To be closed', ticket_class: 'Incident', assignee_team: 'Tier 1' });
  await s.call('POST', `/api/tickets/${t.id}/assignment`, { assignee: 'Ada Agent' });
  const close = (status: string, close_provider: boolean) =>
    s.call('POST', `/api/tickets/${t.id}/status`, { status, reason: 'All done', close_provider });
  expect((await close('in_progress', true)).body.provider_result).toEqual({
    status: 'skipped',
    reason: 'status_not_terminal',
  });
  const done = await close('resolved', true);
  expect(done.body).toMatchObject({ status: 'resolved', provider_result: { status: 'closed' } });
  expect(itop.ticket(t.provider_ref).fields).toMatchObject({
    status: 'resolved', resolution_code: 'assistance', solution: 'All done', agent_id: String(itop.ids.agent), team_id: String(itop.ids.team),
  }); // prettier-ignore
  expect(await ticket(t.id)).toMatchObject({ status: 'resolved', provider_sync_status: 'synced', provider_drift: [] });

  const local = await made({ title: 'Not there', sync_provider: false });
  const skipped = await s.call('POST', `/api/tickets/${local.id}/status`, { status: 'resolved', close_provider: true });
  expect(skipped.body.provider_result).toEqual({ status: 'skipped', reason: 'provider_not_synced' });

  const change = await made({ title: 'A change', ticket_class: 'NormalChange' });
  const left = await s.call('POST', `/api/tickets/${change.id}/status`, { status: 'closed', close_provider: true });
  expect(left.body.provider_result).toEqual({ status: 'skipped', reason: 'provider_has_no_close' });
  expect(itop.ticket(change.provider_ref).fields['status']).toBe('new');
});

test('that all were looked at is told to who watches, with how many', async () => {
  const ws = new WebSocket(`${s.url.replace('http', 'ws')}/api/agents/ws?since=0`, {
    headers: { authorization: `Bearer ${s.token}` },
  });
  const told = new Promise((resolve, reject) => {
    ws.once('error', reject);
    ws.on('message', (data: Buffer) => {
      const event = JSON.parse(String(data)) as { type: string };
      if (event.type === 'sync_complete') resolve(event);
    });
  });
  const { body } = await s.call('POST', '/api/providers/itop/sync-all', {});
  expect(await told).toMatchObject({ provider: 'itop', synced: body.synced, new: body.new, errors: 0 });
  ws.close();
});

test('of a tenant without a provider nothing is told, and asking is 502', async () => {
  const { token } = await s.tenant('agent_only');
  const there = s.as(token);
  const t = (await there('POST', '/api/tickets', { title: 'Elsewhere', provider: 'itop' })).body;
  expect(t.provider_sync_status).toBe('local_only');
  expect(itop.tickets('Elsewhere')).toHaveLength(0);
  expect((await there('POST', `/api/tickets/${t.id}/push-provider`, { provider: 'itop' })).status).toBe(502);
  const ref = { ticket_class: 'Incident', ticket_ref: '1' };
  expect((await there('POST', '/api/providers/itop/sync-ticket', ref)).status).toBe(502);
});

import { randomUUID } from 'node:crypto';
import { startServer, type Server } from '../harness';

let server: Server;
beforeAll(async () => {
  server = await startServer({}, { worker: false });
});
afterAll(() => server.close());

const create = async (body: Record<string, unknown> = {}): Promise<number> => {
  const made = await server.call('POST', '/api/tickets', { title: 'Mail is down', ...body });
  expect(made.status).toBe(200);
  return made.body.id as number;
};
const kinds = async (ticket: number): Promise<string[]> => {
  const { rows } = await server.owner.query<{ kind: string }>(
    'select l.kind from log l join tickets t on t.id = l.ticket_id where t.number = $1 order by l.seq',
    [ticket],
  );
  return rows.map((r) => r.kind);
};
const notesOf = async (ticket: number): Promise<{ source: string; body: string; author: string; actor: string }[]> =>
  (await server.call('GET', `/api/tickets/${ticket}/context`)).body.notes;

describe('creating', () => {
  it('answers the ticket in the form of the contract, and why no agent was assigned', async () => {
    const made = await server.call('POST', '/api/tickets', {
      title: '  Investigate mailing report ', description: 'A user reported a mail', ticket_class: 'phishing alert', created_by: 'intake',
    }); // prettier-ignore
    expect(made.status).toBe(200);
    expect(made.body).toMatchObject({
      title: 'Investigate mailing report', ticket_class: 'Incident', itop_class: 'Incident', status: 'new', priority: '2', provider: 'local',
      provider_sync_status: 'local_only', agent_id: null, external_url: null, created_by: 'intake',
      auto_assignment: { status: 'skipped', reason: 'no_matching_policy', rule_id: null, agent_id: null },
    }); // prettier-ignore
    expect(await kinds(made.body.id)).toEqual(['ticket.created']);
  });

  it.each([
    ['Change', 'RoutineChange'], ['ServiceRequest', 'UserRequest'], ['Bug', 'Incident'], ['deployment', 'RoutineChange'], ['Story', 'UserRequest'],
    ['emergencychange', 'EmergencyChange'], ['???', 'UserRequest'],
  ])('knows class %s as %s', async (given, known) => {
    const made = await server.call('POST', '/api/tickets', { title: 'x', ticket_class: given, auto_assign: false });
    expect(made.body).toMatchObject({ ticket_class: known, auto_assignment: { reason: 'not_requested' } });
  }); // prettier-ignore

  it.each([
    [{}, 'title'], [{ title: ' ' }, 'title'], [{ title: 'x'.repeat(241) }, 'title'], [{ title: 7 }, 'title'], [{ title: 'x', status: 'lost' }, 'status'],
    [{ title: 'x', priority: 'P9' }, 'priority'], [{ title: 'x', security_classification: 'cosmic' }, 'security_classification'],
    [{ title: 'x', access_scope: [] }, 'access_scope'], [{ title: 'x', description: 'a\u0000b' }, 'description'],
  ])('refuses %j, naming the field', async (body, field) => {
    const refused = await server.call('POST', '/api/tickets', body);
    expect(refused.status).toBe(400);
    expect(refused.body.field).toBe(field);
    expect(refused.body.error).toContain(field);
  }); // prettier-ignore

  it('makes one ticket of one key, though eight ask at once', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => server.call('POST', '/api/tickets', { title: 'once' }, key)),
    );
    const ids = new Set(answers.filter((a) => a.status === 200).map((a) => a.body.id));
    expect(ids.size).toBe(1);
    expect(answers.every((a) => a.status === 200 || a.status === 409)).toBe(true);
    const again = await server.call('POST', '/api/tickets', { title: 'once' }, key);
    expect(ids.has(again.body.id)).toBe(true);
    expect((await server.call('POST', '/api/tickets', { title: 'twice' }, key)).status).toBe(422);
  });
});

describe('listing', () => {
  const team = `team-${randomUUID()}`;
  beforeAll(async () => {
    for (const [i, priority] of ['P3', '1', 'P2', '4'].entries()) {
      await create({ title: `listed ${i}`, priority, assignee_team: team, assignee: i < 2 ? 'Ada Lovelace' : 'Bo' });
    }
  });
  const list = (query: string) => server.call('GET', `/api/tickets?q=${team}&${query}`);
  const titles = (body: { tickets: { title: string }[] }) => body.tickets.map((t) => t.title);

  it('sorts priorities by number, however they are written', async () => {
    const { body } = await list('sort_by=priority&sort_dir=asc');
    expect(body.tickets.map((t: { priority: string }) => t.priority)).toEqual(['1', 'P2', 'P3', '4']);
  });
  it('filters by priority, part of the assignee, status and agent', async () => {
    expect(titles((await list('priority=2')).body)).toEqual(['listed 2']);
    expect(titles((await list('assignee=LOVE&sort_dir=asc')).body)).toEqual(['listed 0', 'listed 1']);
    expect((await list('status=resolved')).body.total).toBe(0);
    expect((await list('agent_only=true')).body.total).toBe(0);
    expect((await list('agent_state=unassigned')).body.total).toBe(4);
    expect((await list('assignee=%25')).body.total).toBe(0); // no wildcard
  });
  it('pages, and says how many there are, beyond the last page too', async () => {
    expect((await list('limit=1&offset=1')).body).toMatchObject({
      total: 4,
      limit: 1,
      offset: 1,
      tickets: [{ title: 'listed 2' }],
    });
    expect((await list('offset=9')).body).toMatchObject({ total: 4, tickets: [] });
  });
  it.each([
    'sort_by=number;drop table tickets',
    'sort_dir=up',
    'limit=0',
    'limit=5001',
    'status=lost',
    'agent_state=asleep',
    'agent_only=maybe',
  ])('refuses %s', async (query) => expect((await list(query)).status).toBe(400));
  it('sorts by everything it says it does', async () => {
    for (const by of [
      'id',
      'title',
      'class',
      'status',
      'priority',
      'assignee',
      'agent',
      'updated_at',
      'created_at',
      'provider',
    ]) {
      expect((await list(`sort_by=${by}`)).body.total).toBe(4);
    }
  });
});

describe('status', () => {
  it.each(['POST /status', 'POST ', 'PUT ', 'PATCH '])('is set by %s, with a note and a log entry', async (route) => {
    const [method = '', tail = ''] = route.split(' ');
    const id = await create();
    const set = await server.call(method, `/api/tickets/${id}${tail}`, {
      status: 'closed/resolved', actor: 'agent-159', reason: 'Verified', close_provider: true,
    }); // prettier-ignore
    expect(set.status).toBe(200);
    expect(set.body).toMatchObject({
      status: 'closed',
      ticket_id: id,
      provider_result: { status: 'skipped', reason: 'provider_not_synced' },
    });
    expect((await server.call('GET', `/api/tickets/${id}`)).body.status).toBe('closed');
    expect(await notesOf(id)).toMatchObject([
      { source: 'ticket-status', author: 'agent-159', actor: server.admin.email },
    ]);
    expect(await kinds(id)).toEqual(['ticket.created', 'note.added', 'ticket.status_changed']);
  });
  it('refuses a status that is none', async () => {
    const id = await create();
    const refused = await server.call('POST', `/api/tickets/${id}/status`, { status: 'done' });
    expect(refused.status).toBe(400);
    expect(refused.body.field).toBe('status');
    expect(await kinds(id)).toEqual(['ticket.created']);
  });
  it('of eight writers at once each finds what the one before left', async () => {
    const id = await create();
    const statuses = [
      'assigned',
      'in_progress',
      'blocked',
      'resolved',
      'closed',
      'rejected',
      'implemented',
      'cancelled',
    ];
    await Promise.all(statuses.map((status) => server.call('POST', `/api/tickets/${id}/status`, { status })));
    const notes = await notesOf(id);
    expect(notes).toHaveLength(8);
    // Each says what it found: a chain without a fork.
    const moves = notes.map((n) => /Status: (\w+) to (\w+)/.exec(n.body) ?? []);
    expect(moves.slice(1).map((m) => m[1])).toEqual(moves.slice(0, -1).map((m) => m[2]));
    expect((await server.call('GET', `/api/tickets/${id}`)).body.status).toBe(moves.at(-1)?.[2]);
  });
});

describe('assignment', () => {
  it('changes what is given, clears what is null, and tells it in a note', async () => {
    const id = await create({ assignee: 'ada' });
    const moved = await server.call('POST', `/api/tickets/${id}/assignment`, {
      assignee_team: 'Tier 2', owning_group: 'Endpoint', assignee: null, escalation_tier: 'Tier 2', priority: 1, actor: 'smoke', reason: 'Packaging',
    }); // prettier-ignore
    expect(moved.body).toMatchObject({
      status: 'updated',
      ticket: { assignee: null, assignee_team: 'Tier 2', owning_group: 'Endpoint', priority: '1' },
    });
    const [note] = await notesOf(id);
    expect(note).toMatchObject({ source: 'ticket-assignment', author: 'smoke' });
    expect(note?.body).toContain('Tier 2');
    expect(note?.body).toContain('assignee ada to none');
  });
  it('needs something to change', async () => {
    const id = await create();
    expect((await server.call('POST', `/api/tickets/${id}/assignment`, { reason: 'why not' })).status).toBe(400);
    expect((await server.call('POST', `/api/tickets/${id}/assignment`, { priority: '5' })).body.field).toBe('priority');
  });
});

describe('context', () => {
  it('holds every list of the contract, with related tickets', async () => {
    const word = `zebra${randomUUID().slice(0, 8)}`;
    const other = await create({ title: `${word} printer fails again` });
    const id = await create({ title: `${word} printer fails` });
    const { status, body } = await server.call('GET', `/api/tickets/${id}/context`);
    expect(status).toBe(200);
    expect(Object.keys(body)).toEqual([
      'ticket', 'notes', 'attachments', 'change_requests', 'access_requests', 'tasks', 'steering_events', 'model_turn_events', 'postmortems',
      'related_tickets', 'knowledge_articles', 'workflows', 'skills',
    ]); // prettier-ignore
    expect(body.related_tickets).toMatchObject([{ id: other }]);
  });
});

describe('who may see what', () => {
  it('hides tickets of another tenant as if they were not', async () => {
    const id = await create();
    const { token } = await server.tenant();
    const foreign = server.as(token);
    for (const [method, path, body] of [
      ['GET', '', undefined], ['GET', '/context', undefined], ['POST', '/notes', { body: 'x' }], ['POST', '/status', { status: 'closed' }],
      ['POST', '/assignment', { priority: '1' }], ['GET', '/access-requests', undefined], ['POST', '/assign-agent', {}],
    ] as const) {
      const theirs = await foreign(method, `/api/tickets/${id}${path}`, body);
      const nobodys = await foreign(method, `/api/tickets/2000000000${path}`, body);
      expect([theirs.status, theirs.text.replaceAll(String(id), '#')]).toEqual([404, nobodys.text.replaceAll('2000000000', '#')]);
    } // prettier-ignore
    expect((await foreign('GET', '/api/tickets')).body.total).toBe(0);
  });
});

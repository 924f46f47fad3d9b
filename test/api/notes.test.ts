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

describe('asking the requester', () => {
  it('puts the first status aside, keeps it when asked twice, and gives it back with the answer', async () => {
    const id = await create();
    await server.call('POST', `/api/tickets/${id}/status`, { status: 'blocked' });
    const asked = await server.call('POST', `/api/tickets/${id}/request-info`, {
      question: 'Which mailbox?',
      recipient: 'x@y.example',
    });
    expect(asked.body).toMatchObject({ status: 'awaiting_user_response', ticket_id: id });
    await server.call('POST', `/api/tickets/${id}/request-info`, { question: 'And since when?' });
    expect((await server.call('GET', `/api/tickets/${id}`)).body.status).toBe('awaiting_user_response');
    const answer = await server.call('POST', `/api/tickets/${id}/user-response`, {
      response: 'All of them',
      responder_name: 'Ann',
    });
    expect(answer.body).toMatchObject({
      status: 'user_response_recorded',
      resume: { status: 'not_applicable', agent_id: null },
    });
    expect((await server.call('GET', `/api/tickets/${id}`)).body.status).toBe('blocked');
    const notes = await notesOf(id);
    expect(notes.map((n) => n.source)).toEqual([
      'ticket-status',
      'user-info-request',
      'user-info-request',
      'user-response',
    ]);
    expect(notes[1]?.body).toContain('Awaiting user response');
  });
  it('takes an answer that nobody waits for, and changes no status', async () => {
    const id = await create({ status: 'resolved' });
    const answer = await server.call('POST', `/api/tickets/${id}/user-response`, {
      response: 'Thanks',
      resume_agent: false,
    });
    expect(answer.body.resume).toEqual({ status: 'not_requested', task_id: null, agent_id: null });
    expect((await server.call('GET', `/api/tickets/${id}`)).body.status).toBe('resolved');
  });
  it.each([['request-info', 'question'], ['user-response', 'response']])('needs a text: %s', async (door, field) => {
    const refused = await server.call('POST', `/api/tickets/${await create()}/${door}`, { [field]: ' ' });
    expect(refused.status).toBe(400);
    expect(refused.body.field).toBe(field);
  }); // prettier-ignore
});

describe('notes', () => {
  const note = (id: number, body: unknown, headers = {}) =>
    server.call('POST', `/api/tickets/${id}/notes`, body, headers);

  it.each([['body'], ['note'], ['content'], ['title']])('takes the text as %s', async (field) => {
    const id = await create();
    const made = await note(id, { [field]: 'Scoped recipients' });
    expect(made.body).toMatchObject({
      ticket_id: id,
      status: 'created',
      steering: { status: 'no_active_agent', events: [] },
    });
    expect(await notesOf(id)).toMatchObject([
      { body: 'Scoped recipients', source: 'dashboard', author: server.admin.email },
    ]);
  });
  it('keeps author and source as labels beside who really wrote', async () => {
    const id = await create();
    const made = await note(id, { body: 'x', author: 'agent_26', source: 'agent' });
    expect(made.body.steering).toMatchObject({ status: 'skipped', reason: 'non_steering_source' });
    expect(await notesOf(id)).toMatchObject([{ author: 'agent_26', source: 'agent', actor: server.admin.email }]);
  });
  it('refuses an empty note, a long source, an unknown visibility, an agent of another ticket', async () => {
    const id = await create();
    expect((await note(id, {})).body.field).toBe('body');
    expect((await note(id, { body: 'x', source: 's'.repeat(51) })).body.field).toBe('source');
    expect((await note(id, { body: 'x', visibility: 'secret' })).body.field).toBe('visibility');
    expect((await note(id, { body: 'x', agent_id: 999_999 })).status).toBe(404);
    expect(await kinds(id)).toEqual(['ticket.created']);
  });
  it('gives the same key on two tickets two notes, and on one ticket one', async () => {
    const [a, b] = [await create(), await create()];
    const key = { 'idempotency-key': randomUUID() };
    const first = await note(a, { body: 'x' }, key);
    expect((await note(b, { body: 'x' }, key)).body.id).not.toBe(first.body.id);
    // The kept answer is lost: the row is found.
    await server.owner.query('delete from idempotency_keys');
    expect((await note(a, { body: 'x' }, key)).body.id).toBe(first.body.id);
    expect(await notesOf(a)).toHaveLength(1);
  });
});

import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { startServer, type Server } from '../harness';

let server: Server;
beforeAll(async () => {
  server = await startServer({ MAX_UPLOAD_BYTES: '4096' }, { worker: false });
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

describe('attachments', () => {
  const attach = (id: number, body: unknown, headers = {}) =>
    server.call('POST', `/api/tickets/${id}/attachments`, body, headers);
  const form = (text: string, fields: Record<string, string> = {}, filename = 'app.log'): FormData => {
    const data = new FormData();
    for (const [k, v] of Object.entries(fields)) data.append(k, v);
    data.append('file', new Blob([text], { type: 'text/plain' }), filename);
    return data;
  };
  const sha = (text: string) => createHash('sha256').update(text).digest('hex');
  const stored = (digest: string) => existsSync(join(server.config.dataDir, 'files', server.tenantId, digest));

  it('keeps the metadata of a file that is elsewhere', async () => {
    const id = await create();
    const made = await attach(id, {
      filename: 'mail.eml',
      content_type: 'message/rfc822',
      storage_ref: 's3://x/y',
      size_bytes: 12,
      metadata: { a: 1 },
    });
    expect(made.body).toMatchObject({ ticket_id: id, status: 'created', size_bytes: 12 });
    const [kept] = (await server.call('GET', `/api/tickets/${id}/context`)).body.attachments;
    expect(kept).toMatchObject({
      id: made.body.id,
      filename: 'mail.eml',
      stored: false,
      storage_ref: 's3://x/y',
      metadata: { a: 1 },
    });
  });
  it('stores the bytes of an upload with their digest', async () => {
    const id = await create();
    const noteId = (await server.call('POST', `/api/tickets/${id}/notes`, { body: 'see the log' })).body.id as number;
    const made = await attach(
      id,
      form('one line\n', { note_id: String(noteId), metadata: '{"host":"web"}', sha256: sha('one line\n') }),
    );
    expect(made.body).toMatchObject({ status: 'created', sha256: sha('one line\n'), size_bytes: 9 });
    expect(stored(sha('one line\n'))).toBe(true);
    const [kept] = (await server.call('GET', `/api/tickets/${id}/context`)).body.attachments;
    expect(kept).toMatchObject({
      filename: 'app.log',
      content_type: 'text/plain',
      stored: true,
      note_id: noteId,
      metadata: { host: 'web' },
    });
    expect(await kinds(id)).toEqual(['ticket.created', 'note.added', 'attachment.added']);
  });
  it('takes a file of exactly the limit, and refuses one byte more, keeping nothing', async () => {
    const id = await create();
    expect((await attach(id, form('a'.repeat(4096)))).status).toBe(200);
    expect((await attach(id, form('b'.repeat(4097)))).status).toBe(413);
    expect(stored(sha('b'.repeat(4097)))).toBe(false);
    expect((await server.call('GET', `/api/tickets/${id}/context`)).body.attachments).toHaveLength(1);
  });
  it('answers a repeated upload with the first, and refuses other content under the key', async () => {
    const id = await create();
    const key = { 'idempotency-key': randomUUID() };
    const first = await attach(id, form('same'), key);
    const again = await attach(id, form('same'), key);
    expect(again.body).toEqual(first.body);
    const other = await attach(id, form('other'), key);
    expect(other.status).toBe(422);
    expect(other.body.field).toBe('Idempotency-Key');
    expect((await server.call('GET', `/api/tickets/${id}/context`)).body.attachments).toHaveLength(1);
  });
  it('refuses what is wrong, naming the field', async () => {
    const id = await create();
    expect((await attach(id, {})).body.field).toBe('filename');
    expect((await attach(id, { filename: 'x', sha256: 'abc' })).body.field).toBe('sha256');
    expect((await attach(id, { filename: 'x', size_bytes: -1 })).body.field).toBe('size_bytes');
    expect((await attach(id, { filename: 'x', note_id: 999_999 })).status).toBe(404);
    expect((await attach(id, form('x', { sha256: sha('y') }))).body.field).toBe('sha256');
    expect((await attach(id, form('x', { metadata: '{' }))).body.field).toBe('metadata');
    expect((await attach(id, form('x', {}, 'a\u0000b'))).status).toBe(400);
    const noFile = new FormData();
    noFile.append('other', 'x');
    expect((await attach(id, noFile)).body.field).toBe('file');
    expect((await attach(999_999, form('x'))).status).toBe(404);
    expect((await server.call('GET', `/api/tickets/${id}/context`)).body.attachments).toHaveLength(0);
  });
});

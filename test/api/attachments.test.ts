import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startServer, type Server } from '../harness';
import { waitingAgent, runKey } from './working';

let server: Server;
beforeAll(async () => {
  server = await startServer({ MAX_UPLOAD_BYTES: '16384' });
});
afterAll(() => server.close());

const create = async (): Promise<number> =>
  (await server.call('POST', '/api/tickets', { title: 'Mail is down', auto_assign: false })).body.id as number;
const kinds = async (ticket: number): Promise<string[]> => {
  const { rows } = await server.owner.query<{ kind: string }>(
    'select l.kind from log l join tickets t on t.id = l.ticket_id where t.number = $1 order by l.seq',
    [ticket],
  );
  return rows.map((r) => r.kind);
};
const get = (path: string, headers: Record<string, string> = {}, method = 'GET', token = server.token) =>
  fetch(server.url + path, { method, headers: { authorization: `Bearer ${token}`, ...headers } });

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
      detected_type: null,
      stored: true,
      download_url: `/api/tickets/${id}/attachments/${String(made.body.id)}`,
      note_id: noteId,
      metadata: { host: 'web' },
    });
    expect(await kinds(id)).toEqual(['ticket.created', 'note.added', 'attachment.added']);
  });
  it('takes a file of exactly the limit, and refuses one byte more, keeping nothing', async () => {
    const id = await create();
    expect((await attach(id, form('a'.repeat(16384)))).status).toBe(200);
    expect((await attach(id, form('b'.repeat(16385)))).status).toBe(413);
    expect(stored(sha('b'.repeat(16385)))).toBe(false);
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
    const said = await attach(id, form('same', { metadata: '{"of": "another"}' }), key);
    expect([said.status, said.body.field]).toEqual([422, 'Idempotency-Key']);
    expect((await server.call('GET', `/api/tickets/${id}/context`)).body.attachments).toHaveLength(1);
  });
  it('refuses what is wrong, naming the field', async () => {
    const id = await create();
    expect((await attach(id, {})).body.field).toBe('filename');
    expect((await attach(id, { filename: 'x', sha256: 'abc' })).body.field).toBe('sha256');
    expect((await attach(id, form('x', { size_bytes: '2' }))).body.field).toBe('size_bytes');
    expect((await attach(id, { filename: 'x', size_bytes: -1 })).body.field).toBe('size_bytes');
    expect((await attach(id, { filename: 'x', note_id: 999_999 })).status).toBe(404);
    expect((await attach(id, form('x', { sha256: sha('y') }))).body.field).toBe('sha256');
    expect((await attach(id, form('x', { metadata: '{' }))).body.field).toBe('metadata');
    expect((await attach(id, form('x', {}, 'a\u0000b'))).status).toBe(400);
    const noFile = new FormData();
    noFile.append('other', 'x');
    expect((await attach(id, noFile)).body.field).toBe('file');
    const two = form('one');
    two.append('file', new Blob(['two']), 'two.log');
    expect(await attach(id, two)).toMatchObject({ status: 400, body: { field: 'file', error: expect.stringContaining('one file') } }); // prettier-ignore
    expect((await attach(999_999, form('x'))).status).toBe(404);
    expect((await server.call('GET', `/api/tickets/${id}/context`)).body.attachments).toHaveLength(0);
  });

  const arriving = (): string[] =>
    readdirSync(join(server.config.dataDir, 'files', server.tenantId)).filter((f) => f.startsWith('.'));

  it('lets go of what came, whether it was kept, refused or known already', async () => {
    const id = await create();
    await attach(id, form('kept'));
    await attach(id, form('kept'));
    await attach(id, form('not what it says', { sha256: sha('other') }));
    await attach(id, form('z'.repeat(20_000)));
    expect(arriving()).toEqual([]);
    expect(stored(sha('not what it says'))).toBe(false);
  });
  it('makes one of a form that is sent several times at once under one key', async () => {
    const id = await create();
    const key = { 'idempotency-key': randomUUID() };
    const answers = await Promise.all(Array.from({ length: 5 }, () => attach(id, form('at once'), key)));
    expect(new Set(answers.map((a) => a.status))).toEqual(new Set([200]));
    expect(new Set(answers.map((a) => a.body.id)).size).toBe(1);
    expect((await kinds(id)).filter((k) => k === 'attachment.added')).toHaveLength(1);
  });
  it('keeps nothing of a form that breaks off, and names nothing', async () => {
    const id = await create();
    const boundary = 'xxBOUNDARYxx';
    const begun = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.log"\r\n\r\nhalf of a fi`;
    for (const body of [begun, `${begun}le\r\n--${boundary}`, `${begun}le\r\n--${boundary}\r\n`]) {
      const broken = await attach(id, body, { 'content-type': `multipart/form-data; boundary=${boundary}` });
      expect(broken).toMatchObject({ status: 400, body: { field: 'file' } });
    }
    const kept = (await server.call('GET', `/api/tickets/${id}/attachments`)).body;
    expect(kept).toMatchObject({ attachments: [], total: 0 });
    expect(arriving()).toEqual([]);
  });
});

describe('a download', () => {
  const html = '<html><script>alert(document.domain)</script></html>';
  const attached = async (bytes: string | Buffer, filename: string, type = 'text/html'): Promise<string> => {
    const data = new FormData();
    data.append('file', new Blob([bytes], { type }), filename);
    const made = await server.call('POST', `/api/tickets/${await create()}/attachments`, data);
    return made.body.download_url as string;
  };

  it('is to be saved, whatever it is and whatever its uploader said', async () => {
    const res = await get(await attached(html, 'päge (1).html'));
    expect([res.status, await res.text()]).toEqual([200, html]);
    expect(Object.fromEntries(res.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': String(html.length),
      'content-disposition': `attachment; filename="p_ge (1).html"; filename*=UTF-8''p%C3%A4ge%20%281%29.html`,
      'content-security-policy': "sandbox; default-src 'none'",
      'x-content-type-options': 'nosniff',
      'cache-control': 'private, no-store',
      etag: `"${createHash('sha256').update(html).digest('hex')}"`,
    });
    const gif = await get(await attached(Buffer.from('474946383961010001000000', 'hex'), 'x.html'));
    expect(gif.headers.get('content-type')).toBe('image/gif');
    expect(gif.headers.get('content-disposition')).toContain('attachment;');
  });

  it.each([
    ['bytes=0-3', 206, '0123', 'bytes 0-3/10'],
    ['bytes=7-', 206, '789', 'bytes 7-9/10'],
    ['bytes=-4', 206, '6789', 'bytes 6-9/10'],
    ['bytes=-40', 206, '0123456789', 'bytes 0-9/10'],
    ['bytes=5-500', 206, '56789', 'bytes 5-9/10'],
    ['bytes=10-', 416, '', 'bytes */10'],
    ['bytes=-0', 416, '', 'bytes */10'],
    ['bytes=0-1,4-5', 200, '0123456789', null],
    ['bytes=5-2', 200, '0123456789', null],
    ['lines=1-2', 200, '0123456789', null],
  ])('of %s is %i', async (range, status, body, said) => {
    const res = await get(await attached('0123456789', 'ten'), { range });
    expect([res.status, await res.text(), res.headers.get('content-range')]).toEqual([status, body, said]);
    expect(res.headers.get('accept-ranges')).toBe('bytes');
  });

  it('goes on where it was cut only while the file is the same', async () => {
    const url = await attached('0123456789', 'ten');
    const etag = (await get(url)).headers.get('etag') ?? '';
    expect((await get(url, { range: 'bytes=5-', 'if-range': etag })).status).toBe(206);
    expect((await get(url, { range: 'bytes=5-', 'if-range': '"another"' })).status).toBe(200);
    const head = await get(url, {}, 'HEAD');
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '10', '']);
  });

  it('is of its own ticket and tenant alone', async () => {
    const url = await attached('mine', 'a');
    const stranger = await server.tenant();
    expect((await get(url, {}, 'GET', stranger.token)).status).toBe(404);
    const other = await create();
    expect((await get(`/api/tickets/${other}/attachments/${url.split('/').at(-1) ?? ''}`)).status).toBe(404);
    const { agent, ticket } = await waitingAgent(server);
    const bound = await runKey(server, agent);
    expect((await get(url, {}, 'GET', bound)).status).toBe(404);
    const own = (await server.call('GET', `/api/tickets/${ticket}/attachments`)).body.attachments[0];
    expect((await get(own.download_url as string, {}, 'GET', bound)).status).toBe(200);
    expect((await get(url, {}, 'GET', 'acp_wrong')).status).toBe(401);
  });

  it('of what is elsewhere, or gone, is 404; of what is damaged it breaks off', async () => {
    const id = await create();
    const elsewhere = await server.call('POST', `/api/tickets/${id}/attachments`, {
      filename: 'x',
      storage_ref: 's3://x/y',
    });
    expect(elsewhere.body.download_url).toBeNull();
    const refused = await server.call('GET', `/api/tickets/${id}/attachments/${String(elsewhere.body.id)}`);
    expect([refused.status, refused.body.detail]).toEqual([404, expect.stringContaining('s3://x/y')]);
    const url = await attached('what was stored', 'a');
    const path = join(
      server.config.dataDir,
      'files',
      server.tenantId,
      createHash('sha256').update('what was stored').digest('hex'),
    );
    expect(existsSync(path)).toBe(true);
    writeFileSync(path, 'what was st0red');
    await expect(get(url).then((res) => res.text())).rejects.toThrow();
  });

  it('is listed, newest first, page by page', async () => {
    const id = await create();
    for (const filename of ['a', 'b', 'c']) await server.call('POST', `/api/tickets/${id}/attachments`, { filename });
    const page = await server.call('GET', `/api/tickets/${id}/attachments?limit=2`);
    expect(page.body).toMatchObject({
      total: 3,
      limit: 2,
      offset: 0,
      attachments: [{ filename: 'c' }, { filename: 'b' }],
    });
  });
});

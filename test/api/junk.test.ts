import { connect } from 'node:net';
import { startServer, type Server } from '../harness';

let s: Server;
let ticket: number;
beforeAll(async () => {
  s = await startServer({}, { worker: false });
  ticket = (await s.call('POST', '/api/tickets', { title: 'junk', auto_assign: false })).body.id;
});
afterAll(() => s.close());

/** One request as bytes, in one write; gives the status line. */
const send = (text: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(s.url);
    const socket = connect(Number(port), hostname, () => socket.write(text));
    socket.once('data', (data: Buffer) => {
      resolve(data.toString().split('\r\n')[0] ?? '');
      socket.destroy();
    });
    socket.once('error', reject);
  });

test.each([
  ['there', () => ticket],
  ['missing', () => 2_147_480_000],
])('a form that breaks off at once is 4xx, on a ticket that is %s', async (_name, id) => {
  const form = '--BB\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhi\r\n';
  const line = await send(
    `POST /api/tickets/${id()}/attachments HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${s.token}\r\n` +
      `Content-Type: multipart/form-data; boundary=BB\r\nContent-Length: ${form.length}\r\n\r\n${form}`,
  );
  expect(line).toMatch(/ 40[04] /);
  expect((await s.call('GET', '/health')).status).toBe(200);
});

test('a body that says it is too large is 413 before any of it comes', async () => {
  const line = await send(
    `POST /api/tickets HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${s.token}\r\n` +
      'Content-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n{',
  );
  expect(line).toMatch(/ 413 /);
});

test('a path that is no text is 404', async () => {
  for (const path of ['/api/tickets/%ff', '/published/%ff/', '/published/a/%ED%A0%80']) {
    expect(await send(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${s.token}\r\n\r\n`)).toMatch(/ 404 /);
  }
});

test('an id that cannot be stored is 404', async () => {
  for (const id of ['a%00b', '%00']) {
    const a = await s.call('PATCH', `/api/v1/agent-ops/runs/${id}`, { status: 'completed' });
    expect([id, a.status]).toEqual([id, 404]);
  }
});

test.each([
  ['nesting without end', `{"title":"x","access_scope":${'{"a":'.repeat(6000)}1${'}'.repeat(6000)}}`],
  ['arrays without end', '['.repeat(200_000)],
  ['a number beyond any', '{"title":"x","access_scope":{"n":1e400}}'],
  ['a half of a character', '{"title":"x\\ud800"}'],
])('%s is 400, with a key and without', async (_name, body) => {
  expect((await s.call('POST', '/api/tickets', body)).status).toBe(400);
  expect((await s.call('POST', '/api/tickets', body, { 'idempotency-key': 'junk' })).status).toBe(400);
});

test('HEAD of a stream ends', async () => {
  const res = await fetch(`${s.url}/events/stream`, {
    method: 'HEAD',
    headers: { authorization: `Bearer ${s.token}` },
  });
  expect(res.status).toBe(200);
});

test('numbers are decimal digits: another spelling of an id names nothing, of a page is refused with its field', async () => {
  for (const odd of [`0x${ticket.toString(16)}`, `${ticket}e0`, `+${ticket}`, `${ticket}.0`, `%20${ticket}`])
    expect([odd, (await s.call('GET', `/api/tickets/${odd}`)).status]).toEqual([odd, 404]);
  expect((await s.call('GET', `/api/tickets/${ticket}`)).status).toBe(200);
  for (const odd of ['0x10', '1e1', '', 'true'])
    expect(await s.call('GET', `/api/tickets?limit=${odd}`)).toMatchObject({ status: 400, body: { field: 'limit' } });
  for (const odd of [true, [ticket], `${ticket}e0`])
    expect(
      await s.call('POST', '/api/changes/request', { ticket_id: odd, action: 'restart', target: 'web-1' }),
    ).toMatchObject({ status: 400, body: { field: 'ticket_id' } });
});

test.each<[method: string, path: string, body: object | undefined, says: string[]]>([
  ['GET', '/api/v1/agent-ops/runs?since=foo', undefined, ['must be a time in ISO 8601 with its offset, or a day as YYYY-MM-DD']],
  ['GET', '/api/v1/agent-ops/runs?since=1969-12-31', undefined, ['too long ago']],
  ['GET', '/audit/logs?start_date=foo', undefined, ['must be a time in ISO 8601 with its offset, or a day as YYYY-MM-DD']],
  ['GET', '/audit/logs?end_date=1969-12-31', undefined, ['too long ago']],
  ['POST', '/api-keys', { name: 'ci', expires_at: 'yesterday' }, ['Invalid ISO datetime']],
  ['POST', '/api-keys', { name: 'ci', expires_at: '2020-01-01T00:00:00Z' }, ['must be in the future']],
  ['POST', '/api-keys', {}, ['is required']],
])('%s %s %j: each wrong field is told of once, in words of its own', async (method, path, body, says) => {
  const { status, text } = await s.call(method, path, body);
  const details = text.slice(text.indexOf('['));
  expect([400, 422]).toContain(status);
  expect([...details.matchAll(/"(?:message|msg)":"([^"]*)"/g)].map(([, told]) => told)).toEqual(says);
}); // prettier-ignore

test('of several forms one is required, and that is said of what is missing', async () => {
  const { status, body } = await s.call('POST', '/api/workflows', {});
  expect([status, body]).toEqual([
    400,
    expect.objectContaining({ error: 'blueprint: is required', field: 'blueprint' }),
  ]);
});

test('the root leads to the explorer', async () => {
  const res = await fetch(s.url, { redirect: 'manual' });
  expect([res.status, res.headers.get('location')]).toEqual([302, '/docs']);
});

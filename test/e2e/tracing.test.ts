import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startServer, until, type Server } from '../harness';

/** A collector: it keeps what it is sent, as bytes; names stand in them as plain text. */
let collector: HttpServer;
let received = Buffer.alloc(0);
let s: Server;

beforeAll(async () => {
  collector = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (c: Buffer) => chunks.push(c));
    req.on('end', () => {
      received = Buffer.concat([received, ...chunks]);
      res.end();
    });
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  const { port } = collector.address() as AddressInfo;
  process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = `http://127.0.0.1:${port}`;
  s = await startServer({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` });
});
afterAll(async () => {
  await s.close();
  delete process.env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  await new Promise((resolve) => collector.close(resolve));
});

test('one trace leads from the request to the activity that wrote the row', async () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const ticket = await s.call('POST', '/api/tickets', { title: 'traced' });
  const asked = await s.call('POST', '/api/changes/request', {
    ticket_id: ticket.body.id, action: 'block_url', target: 'https://example.invalid',
  }); // prettier-ignore
  const { token } = await s.user('ADMIN');
  const decided = await s.as(token)(
    'POST', `/api/changes/${asked.body.change_id}/approve`, {}, { traceparent: `00-${traceId}-b7ad6b7169203331-01` },
  ); // prettier-ignore
  expect(decided.status).toBe(200);
  const has = (name: string) => until(async () => Promise.resolve(received.includes(name)), name);
  await has('POST /api/changes/:change_id/approve');
  await has('RunActivity:recordGate');
  expect(received.includes(Buffer.from(traceId, 'hex'))).toBe(true);
});

import { startServer, until, type Server } from '../harness';

let s: Server;
beforeAll(async () => void (s = await startServer({ ALERT_SECONDS: '86400' })));
afterAll(() => s.close());

test.each([
  'http://127.0.0.1:9/',
  'http://localhost:9/',
  'http://169.254.169.254/latest',
  'http://[::1]:9/',
  'http://[::127.0.0.1]:9/',
  'http://[::ffff:10.0.0.1]:9/',
  'http://[64:ff9b::a00:1]:9/',
  'http://10.0.0.1/',
])('no webhook goes to %s, and that is said', async (url) => {
  const rule = { type: 'consecutive_failures', threshold: { max_failures: 1 }, agent_name: url, notify_channel: url };
  expect((await s.call('POST', '/api/v1/agent-ops/alert-rules', rule)).status).toBe(201);
  await s.call('POST', '/api/v1/agent-ops/runs', { agent_name: url, status: 'failed' });
  const told = await until(async () => {
    const { data } = (await s.call('GET', `/api/v1/agent-ops/alerts?agent_name=${encodeURIComponent(url)}`)).body;
    return data[0]?.notification.status === 'failed' && data[0].notification;
  }, 'the refusal');
  expect(told).toMatchObject({ attempts: 1, error: expect.stringContaining('not allowed'), delivered_at: null });
});

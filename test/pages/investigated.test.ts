import { chromiumPath, openPages } from '../../proofs/pages/browser';
import { startServer, until, type Server } from '../harness';
import { idOf } from '../payments';

const base = '/api/v1/ops-agent';
const bad = `</script><img src=x onerror=alert(1)>`;
let s: Server;
beforeAll(async () => {
  s = await startServer();
});
afterAll(() => s.close());

test('the trace of an investigation, as the API answers it, opened in a browser', async () => {
  const payment = {
    transaction_id: idOf('traced'),
    occurred_at: '2021-03-01T12:00:00.000Z',
    customer_id: bad,
    terminal_id: 't-1',
    amount: 12,
  };
  expect((await s.call('POST', `${base}/transactions`, [payment])).status).toBe(200);
  const { body } = await s.call('POST', `${base}/investigations/run`, { transaction_id: payment.transaction_id });
  const path = `${base}/investigations/${body.investigation_id}`;
  await until(async () => (await s.call('GET', path)).body.completed_at, 'the investigation to end');
  const page = await s.call('GET', `${path}/trace`);
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'sha256-");
  const data = /<script type="application\/json" id="trace">(.*)<\/script>\n<script>/.exec(page.text)?.[1] ?? '';
  const trace = JSON.parse(data);
  expect(trace.steps.map((t: any) => t.kind).sort()).toEqual(['plan', 'tool', 'tool', 'tool', 'weigh']);
  expect(trace.steps.filter((t: any) => t.kind === 'tool').every((t: any) => t.parent === trace.steps[0].id)).toBe(
    true,
  );
  expect(data).toContain('\\u003c/script\\u003e');
  expect(page.text).not.toContain(bad);
  if (chromiumPath() === null) return void process.stdout.write('the trace was not opened: there is no chromium\n');
  const opened = await openPages();
  try {
    const context = await opened.browser.newContext({ extraHTTPHeaders: { authorization: `Bearer ${s.token}` } });
    const tab = await context.newPage();
    const asked: string[] = [];
    tab.on('request', (r) => asked.push(r.url()));
    await tab.goto(`${s.url}${path}/trace`);
    for (const key of ['j', 'j']) await tab.keyboard.press(key);
    await tab.locator('#detail').getByText(bad).first().waitFor();
    expect(asked).toEqual([`${s.url}${path}/trace`]);
  } finally {
    await opened.close();
  }
});

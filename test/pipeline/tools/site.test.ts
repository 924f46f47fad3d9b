import { v7 } from 'uuid';
import { insertExecution } from '../../../db/executions';
import { sitePublish } from '../../../pipeline/tools/site';
import { openHouse, type House } from '../../house';
import { use } from './context';
import { reportOf } from './report';

let house: House;

beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house.close());

const publish = () => sitePublish({ store: house.store, files: house.files, publicUrl: null });
const page = (slug: string) => house.page(slug);

test('site.publish makes a page of the report, and the same one again', async () => {
  const ticket = await house.ticket();
  const run = await house.run(ticket);
  await house.store.write(house.tenantId, (tx) =>
    insertExecution(tx, { ownerId: run.id, agentId: run.agentId, ticketId: ticket.id }, {
      id: v7(), step: 0, tool: 'logs.sources', args: {}, argsDigest: '', why: null, decision: 'allow', risk: 0, findings: [], reasons: [],
      stages: [], result: {}, resultDigest: 'a'.repeat(64), error: null, startedAt: '2025-11-22T10:00:00.000Z', durationMs: 1,
    }),
  ); // prettier-ignore
  const args = { slug: 'who-gets-in', report: reportOf() };
  const done = await use(house, publish(), run, args, 5);
  expect(done).toMatchObject({ slug: 'who-gets-in', url: '/published/who-gets-in/', file_count: 1 });
  expect(await page('who-gets-in')).toContain('183.62.140.253 failed 867 times.');
  expect(await page('who-gets-in')).toContain(`Ticket #${ticket.number}`);
  expect(await page('who-gets-in')).toContain('2025-11-22');
  expect(await use(house, publish(), run, args, 5)).toEqual(done);
  expect(await page('who-gets-in')).toContain('183.62.140.253');
});

test('site.publish keeps off an address of another run', async () => {
  const [one, two] = [await house.run(await house.ticket()), await house.run(await house.ticket())];
  await use(house, publish(), one, { slug: 'taken', report: reportOf() });
  await expect(use(house, publish(), two, { slug: 'taken', report: reportOf() })).rejects.toMatchObject({
    code: 'Conflict',
  });
});

test.each([
  [{ slug: 'Not A Slug', report: reportOf() }],
  [{ slug: '../up', report: reportOf() }],
  [{ slug: 'fine' }],
  [{ slug: 'fine', report: { title: 'x' } }],
  [{ slug: 'fine', report: reportOf({ summary: 'x'.repeat(20_001) }) }],
  [{ slug: 'fine', report: reportOf(), more: 1 }],
])('%j are no arguments', (args) => {
  expect(publish().args.safeParse(args).success).toBe(false);
});

test('its target is the address', () => {
  expect(publish().target({ slug: 'fine', report: reportOf() })).toBe('fine');
});

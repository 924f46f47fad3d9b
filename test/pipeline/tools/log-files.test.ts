import { v7 } from 'uuid';
import type { Tool } from '../../../pipeline/call';
import { builtinTools } from '../../../pipeline/tools';
import { analystTools } from '../../../log/new-tenant';
import { transactionSources } from '../../../db/transactions/sources';
import { openHouse, type House } from '../../house';
import { callOf, use } from './context';

let house: House;
let tools: Map<string, Tool>;

beforeAll(async () => {
  house = await openHouse();
  tools = new Map(
    builtinTools({
      store: house.store,
      files: house.files,
      publicUrl: null,
      transactions: transactionSources(null),
      backTestMs: 5_000,
    }).map((t) => [t.name, t]),
  );
});
afterAll(() => house.close());

const toolOf = (name: string): Tool => {
  const found = tools.get(name);
  if (!found) throw new Error(`no tool ${name}`);
  return found;
};
const line = (i: number): string =>
  `Dec 10 06:55:${String(i % 60).padStart(2, '0')} LabSZ sshd[${24200 + i}]: Failed password for root from 183.62.140.253 port 22 ssh2\n`;

test('the analyst is granted the built-in tools, no more and no less', () => {
  expect([...tools.keys()].sort()).toEqual([...analystTools].sort());
});

test('the log tools read the attachments of the ticket', async () => {
  const ticket = await house.ticket();
  const run = await house.run(ticket);
  const file = await house.attach(ticket, 'auth.log', Array.from({ length: 50 }, (_, i) => line(i)).join(''));
  const args = { attachment_id: file.id };
  expect(await use(house, toolOf('logs.profile'), run, args)).toMatchObject({ kind: 'logs.profile', lines: 50 });
  for (const name of ['logs.templates', 'logs.errors', 'logs.bursts', 'logs.sources']) {
    expect(await use(house, toolOf(name), run, args)).toMatchObject({ kind: name });
  }
  expect(await use(house, toolOf('logs.search'), run, { ...args, query: 'Failed password', limit: 3 })).toMatchObject({
    total: 50,
  });
});

describe('they refuse', () => {
  const profile = async (id: string) =>
    use(house, toolOf('logs.profile'), await house.run(await house.ticket()), { attachment_id: id });
  const notFound = { code: 'NotFound', details: { field: 'attachment_id' } };

  test('a file of another ticket as one that is not there', async () => {
    const file = await house.attach(await house.ticket(), 'a.log', line(1));
    await expect(profile(file.id)).rejects.toMatchObject(notFound);
    await expect(profile(v7())).rejects.toMatchObject(notFound);
  });

  test('a file of which only the name is known, and one whose bytes are gone', async () => {
    const ticket = await house.ticket();
    const run = await house.run(ticket);
    const file = await house.attach(ticket, 'a.log', 'bytes that go');
    await house.files.remove(house.tenantId, file.sha256 ?? '');
    const use_ = () => use(house, toolOf('logs.profile'), run, { attachment_id: file.id });
    await expect(use_()).rejects.toMatchObject(notFound);
    await house.owner.query('update attachments set stored = false where id = $1', [file.id]);
    await expect(use_()).rejects.toMatchObject(notFound);
  });
});

test('more than 2 MiB are slow', async () => {
  const ticket = await house.ticket();
  const run = await house.run(ticket);
  const slow = async (id: string) => {
    const call = callOf(run, 'logs.errors', { attachment_id: id });
    return toolOf('logs.errors').slow?.(
      { attachment_id: id },
      { call, read: (work) => house.store.read(house.tenantId, work) },
    );
  };
  expect(await slow((await house.attach(ticket, 'big.log', 'x'.repeat(2 * 1024 * 1024 + 1))).id)).toBe(true);
  expect(await slow((await house.attach(ticket, 'small.log', 'x'.repeat(2 * 1024 * 1024))).id)).toBe(false);
  expect(await slow(v7())).toBe(false);
});

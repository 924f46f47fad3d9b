import type { Client } from 'pg';
import { accessOfTicket } from '../../db/access-queries';
import { gatesOfTicket, pageOfGates } from '../../db/changes';
import { searchEntries, type EntryFilter } from '../../db/log-search';
import type { Read } from '../../db/read';
import { ticketsWith } from '../../db/search';
import { steeringOfTicket } from '../../db/steering-queries';
import { listTickets, ticketByNumber, type TicketFilter } from '../../db/ticket-queries';
import { notes } from '../../db/tickets';
import { seedRows } from '../../bench/reads/seed';
import { openHouse, type House } from '../house';
import { asApplication, explaining } from './explaining';

// No read of a page looks at a whole table, wherever the page lies: with row-level security and plans for any parameters.

const count = 20_000;
let house: House;
let app: Client;
beforeAll(async () => {
  house = await openHouse();
  await seedRows(house.url, house.tenantId, count);
  app = house.owner;
  await asApplication(app, house.tenantId);
}, 120_000);
afterAll(() => house.close());

/** Those that grow; a plan may look at all of the others. */
const large = ['tickets', 'ticket_notes', 'ticket_terms', 'gates', 'log'];

const explained = () => explaining(app, house.tenantId, large);

const everyTicket: TicketFilter = {
  only: null, status: null, priority: null, assignee: null, assigned: null, agentState: null, provider: null, text: null,
  sortBy: 'id', descending: true, limit: 20, offset: 0,
}; // prettier-ignore
const everyGate = { only: null, status: null, agent: null, ticket: null };
const everyEntry: EntryFilter = { agentId: null, action: null, decision: null, tool: null, from: null, to: null };

/** Pages at both ends and in the middle. What lies between a block's end and the page is passed, by its key alone. */
const pages: [string, (tx: Read, offset: number) => Promise<{ total: number }>][] = [
  ['tickets', (tx, offset) => listTickets(tx, { ...everyTicket, offset })],
  ['tickets by status', (tx, offset) => listTickets(tx, { ...everyTicket, status: 'in_progress', offset })],
  ['tickets, oldest first', (tx, offset) => listTickets(tx, { ...everyTicket, descending: false, offset })],
  ['changes', (tx, offset) => pageOfGates(tx, everyGate, 20, offset)],
  ['changes by status', (tx, offset) => pageOfGates(tx, { ...everyGate, status: 'pending' }, 20, offset)],
  ['audit', (tx, offset) => searchEntries(tx, everyEntry, 20, offset)],
  ['audit by tool', (tx, offset) => searchEntries(tx, { ...everyEntry, tool: 'logs.search' }, 20, offset)],
  ['audit by decision', (tx, offset) => searchEntries(tx, { ...everyEntry, decision: 'deny' }, 20, offset)],
];
test.each(pages)('%s', async (_what, page) => {
  const { total } = await page(explained().tx, 0);
  expect(total).toBeGreaterThan(500);
  for (const offset of [0, Math.floor(total / 2), total - 20]) {
    const seen = explained();
    await page(seen.tx, offset);
    expect(seen.looks).toEqual([]);
    // The page with what is joined to it, and what the log's tallies do not hold yet; nothing at the ends is passed.
    if (offset !== Math.floor(total / 2)) expect(seen.rows()).toBeLessThan(700);
  }
});

test('what the context of a ticket is made of', async () => {
  const seen = explained();
  const ticket = await ticketByNumber(seen.tx, count / 2);
  if (!ticket) throw new Error('no ticket');
  const { id } = ticket;
  await notes.list(seen.tx, 'where ticket_id = $1 order by number desc limit $2', [id, 100]);
  expect(await gatesOfTicket(seen.tx, id, 100)).toHaveLength(1);
  await accessOfTicket(seen.tx, id, 100);
  await steeringOfTicket(seen.tx, id, 30);
  const found = await ticketsWith(seen.tx, id, ['trouble', 'vpn', 'latency', `host`], 25);
  expect(found).toHaveLength(25);
  expect(seen.looks).toEqual([]);
  expect(seen.rows()).toBeLessThan(600);
});

test('that no reader is behind is known without reading the log', async () => {
  await app.query(`begin; set local app.system = 'on'`);
  await app.query(
    `insert into cursors (tenant_id, reader, seq) select tenant_id, 'idle', max(seq) from log where tenant_id = $1 group by tenant_id`,
    [house.tenantId],
  );
  const { rows } = await app.query<{ 'QUERY PLAN': [{ Plan: Record<string, number> }] }>(
    `explain (analyze, buffers, format json) select tenants_behind('idle')`,
  );
  await app.query('rollback');
  const plan = rows[0]?.['QUERY PLAN'][0].Plan ?? {};
  expect((plan['Shared Hit Blocks'] ?? NaN) + (plan['Shared Read Blocks'] ?? NaN)).toBeLessThan(150);
});

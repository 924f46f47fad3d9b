import { notes } from '../../../db/tickets';
import { ticketsNote, ticketsRelated } from '../../../pipeline/tools/tickets';
import { openHouse, type House } from '../../house';
import { use } from './context';

interface Related {
  tickets: { id: number; title: string; status: string; score: number }[];
}
let house: House;

beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house.close());

describe('tickets.related', () => {
  test('finds tickets that speak of the same, best first', async () => {
    const near = await house.ticket({
      title: 'Tape robot lost a tape',
      description: 'In the library, during the nightly backup.',
      status: 'resolved',
    });
    const nearer = await house.ticket({
      title: 'Tape robot of the library jams',
      description: 'Nightly backup stopped.',
    });
    await house.ticket({ title: 'Coffee', description: 'The machine is out of water.' });
    const own = await house.ticket({
      title: 'Tape robot jams',
      description: 'The library stopped during the nightly backup.',
    });
    await house.ticket({ title: 'Access: tape robot library backup', description: '', parentTicketId: own.id });
    await house.ticket({ title: 'Tape robot library backup', description: 'jams', securityClassification: 'secret' });
    await house.ticket({
      title: 'Tape robot library backup',
      description: 'jams',
      securityClassification: 'of a kind nobody knows',
    });
    const { tenantId } = await house.tenant('library');
    await house.ticket({ title: 'Tape robot library backup', description: 'jams', tenantId });

    const { tickets } = await use<Related>(house, ticketsRelated, await house.run(own), { ticket_id: own.number });
    expect(tickets.map((t) => t.id)).toEqual([nearer.number, near.number]);
    expect(tickets[1]).toMatchObject({ title: 'Tape robot lost a tape', status: 'resolved' });
    expect(tickets[0]?.score).toBeGreaterThan(tickets[1]?.score ?? 1);
  });

  test('refuses any ticket but its own', async () => {
    const [own, other] = [await house.ticket(), await house.ticket()];
    await expect(use(house, ticketsRelated, await house.run(own), { ticket_id: other.number })).rejects.toMatchObject({
      code: 'NotFound',
    });
  });

  test('of a ticket that says nothing are none', async () => {
    const own = await house.ticket({ title: '??', description: '' });
    expect(await use<Related>(house, ticketsRelated, await house.run(own), { ticket_id: own.number })).toEqual({
      tickets: [],
    });
  });
});

test('a ticket that is one endless word can be written and looked for', async () => {
  const own = await house.ticket({ title: 'x'.repeat(200), description: 'y'.repeat(100_000) });
  expect(await use<Related>(house, ticketsRelated, await house.run(own), { ticket_id: own.number })).toEqual({
    tickets: [],
  });
});

test('a ticket of a hundred thousand different words too', async () => {
  const words = Array.from({ length: 100_000 }, (_, i) => (i + 100_000).toString(36)).join(' ');
  const own = await house.ticket({ title: 'Many words', description: words });
  expect((await use<Related>(house, ticketsRelated, await house.run(own), { ticket_id: own.number })).tickets).toEqual(
    [],
  );
});

describe('tickets.note', () => {
  test('writes one note a step, as the agent', async () => {
    const ticket = await house.ticket();
    const run = await house.run(ticket);
    const first = await use<{ note_id: number }>(house, ticketsNote, run, { body: ' Five addresses. ' }, 3);
    expect(await use(house, ticketsNote, run, { body: ' Five addresses. ' }, 3)).toEqual(first);
    const second = await use<{ note_id: number }>(house, ticketsNote, run, { body: 'Six.' }, 4);
    expect(second.note_id).not.toBe(first.note_id);
    const written = await house.store.read(house.tenantId, (tx) =>
      notes.list(tx, 'where ticket_id = $1 order by number', [ticket.id]),
    );
    expect(written).toHaveLength(2);
    expect(written[0]).toMatchObject({
      source: 'agent',
      author: `agent-${run.number}`,
      body: 'Five addresses.',
      visibility: 'internal',
    });
  });

  test('writes what Postgres cannot hold in another way', async () => {
    const run = await house.run(await house.ticket());
    const { note_id } = await use<{ note_id: number }>(house, ticketsNote, run, { body: 'a\u0000b\ud800c' });
    const note = await house.store.read(house.tenantId, (tx) => notes.byNumber(tx, note_id));
    expect(note?.body).toBe('a\ufffdb\ufffdc');
  });
});

import { v7 } from 'uuid';
import { runActivities } from '../../activities/lifecycle/runs';
import { steeringEvents } from '../../db/tickets';
import { step } from '../../domain/run';
import { openHouse, type House } from '../house';

let house: House;
beforeAll(async () => (house = await openHouse()));
afterAll(() => house.close());

test('what people said and an agent did not hear before it ended is written down, once', async () => {
  const ticket = await house.ticket();
  const run = await house.run(ticket);
  const at = new Date().toISOString();
  const id = v7();
  await house.store.write(house.tenantId, (tx) =>
    steeringEvents.insert(tx, {
      id, tenantId: house.tenantId, number: 0, runId: run.id, ticketId: ticket.id, noteId: null, source: 'dashboard', author: 'ann',
      body: 'wait', status: 'pending', createdAt: at, deliveredAt: null, acknowledgedAt: null,
    }),
  ); // prettier-ignore
  const event = { type: 'finish' as const, result: 'done' };
  const { recordRun } = runActivities({ store: house.store, learning: { model: null } });
  for (let again = 0; again < 2; again += 1) await recordRun(step(run, event, at), { event, transition: 'finish' });
  const { rows } = await house.owner.query(
    `select subject_id, transition, reason from log where kind = 'steering.undelivered'`,
  );
  expect(rows).toEqual([
    { subject_id: run.id, transition: `undelivered:${id}`, reason: 'the agent was finished before it looked' },
  ]);
});

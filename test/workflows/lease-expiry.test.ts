import { createActivities } from '../../activities';
import { analyst } from '../../domain/analyst/analyst';
import { keep } from './keep';
import { play } from './play';
import { scripted } from './scripted';
import { clockwork, type Clockwork } from './time';

let c: Clockwork;
beforeAll(async () => {
  c = await clockwork((deps) => createActivities(deps, [analyst, scripted]));
});
afterAll(() => c.close());

test('a lease ends with its time, also when its run goes on', async () => {
  const p = play(c);
  const run = await p.spawn(await p.ticket(), 'scripted', 'access');
  const gate = await p.gateOf(run.id, 'grant_access');
  const change = await p.gateOf(run.id, 'publish_static_site');
  await p.decide(gate, 'approve');
  await p.complete(gate, 'done');
  await p.accessIs(gate.accessRequestId ?? '', 'granted');
  expect(await p.leases(run.id)).toMatchObject([{ status: 'active' }]);
  // The run's own gate waits a day, the lease an hour.
  expect(await p.inTime(p.handle('accessRequest', gate.accessRequestId ?? ''))).toMatchObject({
    status: 'revoked',
    evidence: 'expired',
  });
  await keep('accessRequest.expired', p.handle('accessRequest', gate.accessRequestId ?? ''));
  expect(await p.leases(run.id)).toEqual([{ status: 'expired', end_reason: 'expired', secret_sealed: null }]);
  expect(await p.row.run(run.id)).toMatchObject({ status: 'pending_approval' });
  await p.agree(run, { gate: gate.id, access: gate.accessRequestId ?? '' }, { gate: change.id });
  await p.replay();
});

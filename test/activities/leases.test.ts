import { v7 } from 'uuid';
import { leaseActivities } from '../../activities/integrations/leases';
import { accessActivities } from '../../activities/lifecycle/access';
import { situationOfRun } from '../../activities/agents/brief';
import { analyst } from '../../domain/analyst/analyst';
import { createActivities } from '../../activities';
import type { Deps } from '../../activities/deps';
import { step } from '../../domain/access';
import { play } from '../workflows/play';
import { scripted } from '../workflows/scripted';
import { clockwork, type Clockwork } from '../workflows/time';

const HOUR = 3_600_000;

let c: Clockwork;
let p: ReturnType<typeof play>;
let deps: Deps;
beforeAll(async () => {
  c = await clockwork((d) => createActivities((deps = d), [analyst, scripted]));
  p = play(c);
});
afterAll(() => c.close());

/** An approved request of a run, whose workflow is gone: what follows is done by hand. */
async function approved() {
  const run = await p.spawn(await p.ticket(), 'scripted', 'access hold');
  const access = await p.accessOf(await p.gateOf(run.id, 'grant_access'));
  await p.handle('accessRequest', access.id).terminate('by hand from here');
  const next = step(access, { type: 'approve', by: null }, access.createdAt);
  return { run, access: (await accessActivities(c).recordAccess(next, { event: 'approve', transition: v7() })).access };
}
const leases = () => leaseActivities(deps);

test('a lease ends by the time of the database, whatever the clock of the worker says', async () => {
  const { run, access } = await approved();
  const clock = jest.spyOn(Date, 'now').mockImplementation(() => 4_000_000_000_000); // a worker that thinks it is 2096
  try {
    await leases().grantLease(access, HOUR);
  } finally {
    clock.mockRestore();
  }
  const { rows } = await c.owner.query(
    `select extract(epoch from expires_at - created_at)::int as seconds from leases where run_id = $1`,
    [run.id],
  );
  expect(rows).toEqual([{ seconds: 3_600 }]);
});

test('granting again finds the lease; an attempt that comes after the end lends nothing', async () => {
  const { run, access } = await approved();
  const lent = await leases().grantLease(access, HOUR);
  const leaseId = lent?.leaseId ?? '';
  expect(lent).toEqual({ leaseId: expect.any(String), lifeMs: expect.any(Number) });
  expect(await leases().grantLease(access, HOUR)).toEqual({ leaseId, lifeMs: expect.any(Number) });

  const late = await approved();
  const over = step(late.access, { type: 'expire', reason: 'over' }, late.access.createdAt);
  await accessActivities(c).recordAccess(over, { event: 'expire', transition: v7() });
  expect(await leases().grantLease(late.access, HOUR)).toMatchObject({ refused: 'nobody waits for it any more' });
  expect(await p.leases(late.run.id)).toEqual([]);

  // Lent, its answer lost, its run over: it must still be known, to be taken back.
  await c.owner.query(`update runs set status = 'stopped', version = version + 1 where id = $1`, [run.id]);
  expect(await leases().grantLease(access, HOUR)).toEqual({ leaseId, refused: 'nobody waits for it any more' });
});

test('a credential past its time is handed to nobody, also while nobody has noticed', async () => {
  const { run, access } = await approved();
  await leases().grantLease(access, HOUR);
  const handed = async () =>
    (await c.store.read(c.tenantId, (tx) => situationOfRun(tx, run.id))).brief.access.map((a) => a.credentialRef);
  expect(await handed()).toEqual([expect.stringContaining('<vault:')]);
  await c.owner.query(`update leases set expires_at = now() - interval '1 second' where run_id = $1`, [run.id]);
  expect(await handed()).toEqual([null]);
});

test('a lease whose request ended without it is taken back by the next sweep', async () => {
  const { run, access } = await approved();
  await leases().grantLease(access, HOUR);
  const over = step(access, { type: 'expire', reason: 'its workflow is gone' }, access.createdAt);
  await accessActivities(c).recordAccess(over, { event: 'expire', transition: v7() });
  await p.workflow.execute('sweep', { workflowId: `sweep-${v7()}`, taskQueue: c.taskQueue, args: [] });
  expect(await p.leases(run.id)).toEqual([{ status: 'revoked', end_reason: expect.any(String), secret_sealed: null }]);
});

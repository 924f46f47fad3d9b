import { createActivities } from '../../activities';
import { analyst } from '../../domain/analyst/analyst';
import { Refused, type CredentialProvider } from '../../domain/credentials';
import { settledAccess } from '../../workflows/access-request';
import { stop } from '../../workflows/agent-run';
import { until } from '../until';
import { keep } from './keep';
import { bob, play } from './play';
import { scripted } from './scripted';
import { clockwork, type Clockwork } from './time';

// Access whose credentials somebody else keeps, who may be away, or say no.

let c: Clockwork;
let p: ReturnType<typeof play>;
let trouble: Error | null = null;
const credentials: CredentialProvider = {
  keeper: () => 'elsewhere',
  grant: () => (trouble ? Promise.reject(trouble) : Promise.resolve({ secret: 'a secret' })),
  revoke: () => (trouble && !(trouble instanceof Refused) ? Promise.reject(trouble) : Promise.resolve()),
};
beforeAll(async () => {
  c = await clockwork((deps) => createActivities({ ...deps, credentials }, [analyst, scripted]));
  p = play(c);
});
beforeEach(() => (trouble = null));
afterAll(() => c.close());

async function completed() {
  const run = await p.spawn(await p.ticket(), 'scripted', 'access hold');
  const gate = await p.gateOf(run.id, 'grant_access');
  const access = await p.accessOf(gate);
  await p.decide(gate, 'approve');
  await p.complete(gate, 'given');
  return { run, gate, access };
}
const leaseIs = (runId: string, status: string) =>
  until(`the lease is ${status}`, async () => (await p.leases(runId))[0]?.status === status);

test('a provider that is away: people hear that nothing is granted yet; the end of the run is not waited for, and what may have been made goes back', async () => {
  trouble = new Error('connect ECONNREFUSED');
  const { run, gate, access } = await completed();
  const handle = p.handle('accessRequest', access.id);
  await leaseIs(run.id, 'pending');
  expect(await handle.executeUpdate(settledAccess)).toMatchObject({ status: 'approved', leaseId: null });
  await run.handle.executeUpdate(stop, { args: [{ by: bob, reason: 'enough', terminate: false }] });
  await leaseIs(run.id, 'revoking');
  await until('a try failed', async () => {
    const { rows } = await c.owner.query('select revoke_error from leases where run_id = $1', [run.id]);
    return rows[0].revoke_error === 'connect ECONNREFUSED';
  });
  expect(await p.row.access(access.id)).toMatchObject({ status: 'approved' });
  trouble = null;
  await p.accessIs(access.id, 'expired');
  expect(await p.leases(run.id)).toEqual([
    { status: 'revoked', end_reason: expect.stringMatching(/stopped$/), secret_sealed: null },
  ]);
  await handle.result();
  await keep('accessRequest.provider-away', handle);
  await p.agree(run, { gate: gate.id, access: access.id });
});

test('a provider that refuses: the request ends with its reason, and the run goes on', async () => {
  trouble = new Refused('there is no project ops');
  const { run, gate, access } = await completed();
  await p.accessIs(access.id, 'expired');
  expect((await p.row.access(access.id))?.evidence).toBe('the provider refused: there is no project ops');
  expect(await p.leases(run.id)).toMatchObject([{ status: 'revoked' }]);
  const handle = p.handle('accessRequest', access.id);
  await handle.result();
  await keep('accessRequest.refused', handle);
  await run.handle.executeUpdate(stop, { args: [{ by: bob, reason: 'enough', terminate: false }] });
  await p.agree(run, { gate: gate.id, access: access.id });
});

test('every history of these tests replays', () => p.replay());

import type { AccessRequest } from '../../domain/access';
import type { Gate } from '../../domain/gate';
import { stop } from '../../workflows/agent-run';
import { keep } from './keep';
import { bob, type play } from './play';
import type { Clockwork } from './time';

/** What the tests of access share: the world, there from `beforeAll` on, and a run that has asked for access. */
export interface Asked {
  world: { c: Clockwork; p: ReturnType<typeof play> };
  asked: (prompt: string) => Promise<Waiting>;
}
interface Waiting {
  ticket: Parameters<ReturnType<typeof play>['say']>[1];
  run: Awaited<ReturnType<ReturnType<typeof play>['spawn']>>;
  gate: Gate;
  access: AccessRequest;
}

/** A lease lives as long as its run, and no longer. */
export function leases({ world, asked }: Asked): void {
  let c: Clockwork;
  let p: ReturnType<typeof play>;
  beforeAll(() => void ({ c, p } = world));

  async function granted(prompt: string) {
    const a = await asked(prompt);
    await p.decide(a.gate, 'approve');
    await p.accessIs(a.access.id, 'approved');
    await p.complete(a.gate, 'read role given');
    await p.accessIs(a.access.id, 'granted');
    expect(await p.leases(a.run.id)).toEqual([
      { status: 'active', end_reason: null, secret_sealed: expect.any(Buffer) },
    ]);
    await p.agree(null, { gate: a.gate.id, access: a.access.id });
    await keep('accessRequest.lending', p.handle('accessRequest', a.access.id));
    return a;
  }

  async function isRevoked({ run, gate, access }: Awaited<ReturnType<typeof granted>>, because: RegExp) {
    await p.accessIs(access.id, 'revoked');
    expect((await p.row.access(access.id))?.evidence).toMatch(because);
    expect(await p.leases(run.id)).toEqual([
      { status: 'revoked', end_reason: expect.stringMatching(because), secret_sealed: null },
    ]);
    await p.handle('accessRequest', access.id).result();
    await keep(`accessRequest.revoked-${/(\w+)\$$/.exec(because.source)?.[1]}`, p.handle('accessRequest', access.id));
    await p.agree(run, { gate: gate.id, access: access.id });
  }

  test('a lease is bound to its run, and revoked when the run finishes', async () => {
    const a = await granted('hold finish');
    await p.say(a.run, a.ticket, 'that is enough');
    expect(await a.run.handle.result()).toMatchObject({ status: 'finished' });
    await isRevoked(a, /^agent \d+ finished$/);
  });

  test('… when it fails', async () => {
    const a = await granted('hold');
    await c.owner.query(`update runs set harness = 'nobody' where id = $1`, [a.run.id]);
    expect(await a.run.handle.result()).toMatchObject({ status: 'failed' });
    await isRevoked(a, /^agent \d+ failed$/);
  });

  test('… when it is stopped', async () => {
    const a = await granted('hold');
    await a.run.handle.executeUpdate(stop, { args: [{ by: bob, reason: 'enough', terminate: false }] });
    await isRevoked(a, /^agent \d+ stopped$/);
  });

  test('… when it is cancelled in Temporal', async () => {
    const a = await granted('hold');
    await a.run.handle.cancel();
    await isRevoked(a, /^agent \d+ stopped$/);
  });

  test('… and when the request itself is cancelled there', async () => {
    const a = await granted('hold');
    await p.handle('accessRequest', a.access.id).cancel();
    await p.accessIs(a.access.id, 'revoked');
    await a.run.handle.executeUpdate(stop, { args: [{ by: bob, reason: 'enough', terminate: false }] });
    await isRevoked(a, /^cancelled in Temporal$/);
  });
}

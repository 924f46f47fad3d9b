import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { v5, v7 } from 'uuid';
import { httpCredentials } from '../../activities/integrations/credentials/http';
import { leaseActivities } from '../../activities/integrations/leases';
import { accessRequests } from '../../db/access';
import { leasesOfRun } from '../../db/access-queries';
import { callFacts } from '../../db/executions';
import { fence } from '../../db/run-queries';
import { setKillSwitch } from '../../db/kill-switch';
import type { AccessRequest } from '../../domain/access';
import { Refused, Stale } from '../../domain/credentials';
import { Forbidden } from '../../domain/errors';
import { system } from '../../domain/principal';
import type { Run } from '../../domain/run';
import { unseal } from '../../log/keys';
import { createLogger } from '../../log/logger';
import { lendTo } from '../../pipeline/credential';
import { linesOf } from '../../proofs/leases/ledger';
import type { Mishap } from '../../proofs/leases/line';
import { serveProvider } from '../../proofs/leases/server';
import { openHouse, type House } from '../house';
import { callOf } from '../pipeline/tools/context';

// Leases over a provider of its own, spoken to as any outside provider is.

const logger = createLogger('silent', 'test');
const HOUR = 3_600_000;
const token = randomBytes(16).toString('hex');
const scope = { system: 'gitlab', resourceType: 'project', resourceId: '*', action: 'read' };

let house: House;
let file: string;
let provider: Awaited<ReturnType<typeof serveProvider>>;
const start = async (port = 0) =>
  (provider = await serveProvider(file, port, token, () => {
    throw new Error('no test kills it');
  }));
beforeAll(async () => {
  house = await openHouse();
  file = join(house.dataDir, 'provider.jsonl');
  await start();
});
afterAll(async () => {
  await provider.close();
  await house.close();
});

const http = (url = `http://127.0.0.1:${provider.port}`) => httpCredentials({ url, secret: token, timeoutMs: 2_000 });
const activities = () => {
  const { store, masterKey } = house;
  return leaseActivities({ store, masterKey, credentials: http(), logger });
};
const order = (slowMs: number, ...mishaps: Mishap[]) =>
  fetch(`http://127.0.0.1:${provider.port}/orders`, { method: 'POST', body: JSON.stringify({ mishaps, slowMs }) });

/** A run, and access for it that people approved. */
async function approved(): Promise<{ run: Run; access: AccessRequest; leaseId: string }> {
  const run = await house.run(await house.ticket());
  const at = new Date().toISOString();
  const access: AccessRequest = {
    id: v7(), tenantId: run.tenantId, number: 0, ticketId: run.ticketId, accessTicketId: run.ticketId, runId: run.id, agentId: run.agentId, gateId: v7(),
    resource: 'gitlab', permission: 'read', accountRef: null, reason: null, assignmentGroup: 'IAM', raci: null, syncProvider: null, label: null, riskLevel: 'low', lease: scope, leaseId: null,
    status: 'approved', requester: system, onBehalfOf: null, approvalActor: null, evidence: null, createdAt: at, updatedAt: at, version: 1,
  }; // prettier-ignore
  await house.store.write(run.tenantId, (tx) => accessRequests.insert(tx, access));
  return { run, access, leaseId: v5('lease', access.id) };
}
const row = async (id: string) => (await house.owner.query('select * from leases where id = $1', [id])).rows[0];
const kinds = async (id: string) =>
  (await house.owner.query('select kind from log where subject_id = $1 order by seq', [id])).rows.map((r) => r.kind);
const told = (id: string) => linesOf(file).filter((l) => l.lease === id).map((l) => `${l.op} ${l.outcome}`); // prettier-ignore

test('a grant whose answer is lost is asked for again, and there is one credential', async () => {
  const { access, leaseId } = await approved();
  await order(0, { op: 'grant', what: 'lose' });
  await expect(activities().grantLease(access, HOUR)).rejects.toThrow();
  expect(await row(leaseId)).toMatchObject({ status: 'pending', secret_sealed: null });
  expect(await activities().grantLease(access, HOUR)).toEqual({ leaseId, lifeMs: expect.any(Number) });
  expect(told(leaseId)).toEqual(['grant applied', 'grant replayed']);
  const { status, secret_sealed: sealed } = await row(leaseId);
  expect(status).toBe('active');
  const shown = await fetch(`http://127.0.0.1:${provider.port}/use`, {
    method: 'POST',
    body: JSON.stringify({ secret: unseal(house.masterKey, sealed, `lease:${leaseId}`).toString() }),
  });
  expect(shown.status).toBe(200);
});

test('a revocation that nobody confirms says so, is repeated, and is called done when it is', async () => {
  const { run, access, leaseId } = await approved();
  await activities().grantLease(access, HOUR);
  const { port } = provider;
  await provider.close();
  for (const _ of [1, 2]) await expect(activities().revokeLease(access, 'its run is over')).rejects.toThrow();
  expect(await row(leaseId)).toMatchObject({
    status: 'revoking',
    secret_sealed: null,
    ended_at: null,
    revoke_error: expect.any(String),
    end_reason: 'its run is over',
  });
  const [lent] = await house.store.read(run.tenantId, (tx) => leasesOfRun(tx, run.id));
  expect(lent).toMatchObject({ system: scope.system, status: 'revoking' });
  await start(port);
  await activities().revokeLease(access, 'another reason');
  await activities().revokeLease(access, 'once more');
  expect(await row(leaseId)).toMatchObject({ status: 'revoked', revoke_error: null, end_reason: 'its run is over' });
  expect(told(leaseId)).toEqual(['grant applied', 'revoke applied']);
  expect(await kinds(leaseId)).toEqual(['lease.requested', 'lease.granted', 'lease.revoking', 'lease.revoked']);
});

test('a revocation that overtakes its grant leaves nothing alive', async () => {
  const { access, leaseId } = await approved();
  await order(400);
  const granting = activities().grantLease(access, HOUR);
  while (!told(leaseId).length) await new Promise((resolve) => setImmediate(resolve));
  await order(0);
  await activities().revokeLease(access, 'its run is over');
  expect(await granting).toEqual({ leaseId, refused: 'its run is over' });
  expect(await row(leaseId)).toMatchObject({ status: 'revoked', secret_sealed: null });
  // A third attempt that was on its way all the time.
  const ask = {
    tenantId: house.tenantId,
    leaseId,
    keptBy: null,
    scope,
    expiresAt: new Date(Date.now() + HOUR).toISOString(),
    ttlMs: HOUR,
  };
  await expect(http().grant({ ...ask, fence: 9 })).rejects.toThrow(Refused);
  expect(told(leaseId)).toEqual(['grant applied', 'revoke applied', 'grant dead']);
});

test('who comes with a lower fence is refused; the end of what was never granted holds as well', async () => {
  const ask = {
    tenantId: house.tenantId,
    keptBy: null,
    scope,
    expiresAt: new Date(Date.now() + HOUR).toISOString(),
    ttlMs: HOUR,
  };
  const [one, two] = [v7(), v7()];
  await http().grant({ ...ask, leaseId: one, fence: 2 });
  await expect(http().grant({ ...ask, leaseId: one, fence: 1 })).rejects.toThrow(Stale);
  await http().revoke({ tenantId: house.tenantId, leaseId: two, fence: 2, keptBy: null });
  await expect(http().grant({ ...ask, leaseId: two, fence: 1 })).rejects.toThrow(Refused);
});

test('what the provider refuses for good is not asked for again', async () => {
  const { access, leaseId } = await approved();
  await http().revoke({ tenantId: house.tenantId, leaseId, fence: 1, keptBy: null });
  expect(await activities().grantLease(access, HOUR)).toEqual({ leaseId, refused: 'the provider refused: dead' });
});

describe('an answer that is none', () => {
  let other: Server;
  const answering = async (status: number, headers: Record<string, string> = {}, body = '{}'): Promise<string> => {
    other = createServer((_req, res) => void res.writeHead(status, headers).end(body));
    await once(other.listen(0, '127.0.0.1'), 'listening');
    return `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  };
  afterEach(() => other.close());
  const end = { tenantId: v7(), leaseId: v7(), fence: 1, keptBy: null };
  const ask = { ...end, scope, expiresAt: new Date().toISOString(), ttlMs: 1 };

  test.each([404, 409, 500])('%i confirms no revocation', async (status) => {
    await expect(http(await answering(status)).revoke(end)).rejects.toThrow(String(status));
  });
  test('a redirect is not followed: what it is shown is meant for it alone', async () => {
    const url = await answering(307, { location: `http://127.0.0.1:${provider.port}/` });
    await expect(http(url).revoke(end)).rejects.toThrow();
  });
  test.each([
    [200, '{}'],
    [200, 'no JSON'],
    [200, JSON.stringify({ secret: 'x'.repeat(100_000) })],
    [401, '{}'],
    [503, '{}'],
  ])('%i with %.20j is no grant, and no refusal', async (status, body) => {
    const failed = await http(await answering(status, {}, body)).grant(ask).catch((e: unknown) => e); // prettier-ignore
    expect(failed).toBeInstanceOf(Error);
    expect(failed).not.toBeInstanceOf(Refused);
  });
  test.each(['no\u0000pe', 'no\ud800pe', 'x'.repeat(10_000)])(
    '%.6j… as a reason is kept as a row can hold it',
    async (message) => {
      const { access, leaseId } = await approved();
      const credentials = http(await answering(403, {}, JSON.stringify({ message })));
      const lent = await leaseActivities({ ...house, credentials, logger }).grantLease(access, HOUR);
      const reason = lent && 'refused' in lent ? lent.refused : '';
      expect(reason).toContain(`the provider refused: ${message.slice(0, 2)}`);
      await activities().revokeLease(access, reason);
      expect(await row(leaseId)).toMatchObject({ status: 'revoked', end_reason: reason });
    },
  );
  test.each([null, 7, 'x'.repeat(3_000)])('stale is no refusal, with %.6j beside it', async (message) => {
    const url = await answering(409, {}, JSON.stringify({ error: 'stale', message }));
    await expect(http(url).grant(ask)).rejects.toThrow(Stale);
  });
});

describe('what was lent', () => {
  const lend = (run: Run) =>
    lendTo(house, callOf(run, 'any', {}), new AbortController().signal)({ ...scope, resourceId: 'ops' });
  async function lent() {
    const a = await approved();
    await activities().grantLease(a.access, HOUR);
    return a;
  }

  test('is handed to a call of its run, and that is in the log', async () => {
    const { run, leaseId } = await lent();
    expect((await lend(run)).secret).toHaveLength(32);
    expect((await kinds(leaseId)).at(-1)).toBe('lease.used');
    await expect(lend(await house.run(await house.ticket()))).rejects.toThrow(Forbidden);
  });

  test.each<[string, (run: Run, access: AccessRequest) => Promise<unknown>]>([
    ['it is being taken back', (_run, access) => activities().revokeLease(access, 'over')],
    ['its run is fenced', (run) => house.store.write(run.tenantId, (tx) => fence(tx, run.id, 'stopped'))],
    [
      'its run has ended',
      (run) => house.owner.query(`update runs set status = 'finished', finished_at = now() where id = $1`, [run.id]),
    ],
    [
      'its time is over in a moment',
      (run) =>
        house.owner.query(`update leases set expires_at = now() + interval '0.3 seconds' where run_id = $1`, [run.id]),
    ],
    [
      'the kill switch is engaged',
      (run) =>
        house.store.write(run.tenantId, (tx) => setKillSwitch(tx, { engaged: true, reason: null, changedBy: system })),
    ],
  ])('is handed to nobody when %s', async (_why, happens) => {
    const { run, access } = await lent();
    await lend(run);
    await happens(run, access);
    await expect(lend(run)).rejects.toThrow(Forbidden);
  });
});

test('a run that has ended is fenced, however it ended', async () => {
  const run = await house.run(await house.ticket());
  const facts = () =>
    house.store.read(run.tenantId, (tx) =>
      callFacts(tx, [{ ownerId: run.id, step: 0, agentId: run.agentId, tool: 'any', ticketId: run.ticketId }]),
    );
  expect((await facts())[0]?.fence).toBeNull();
  await house.owner.query(`update runs set status = 'terminated', finished_at = now() where id = $1`, [run.id]);
  expect((await facts())[0]?.fence).toBe('the run is terminated');
});

import { randomUUID } from 'node:crypto';
import { v7 } from 'uuid';
import { runActivities } from '../../activities/lifecycle/runs';
import { insertApiKey } from '../../db/api-keys';
import { gates } from '../../db/gates';
import { newGate } from '../../domain/gate';
import { system } from '../../domain/principal';
import { newApiKey, principalOfKey } from '../../log/credentials';
import { approvedFor } from '../../pipeline/seal';
import { openHouse, type House } from '../house';

// What ends by time ends by the database's clock: the one of this process may be wrong.

const HOUR = 3_600_000;
let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house.close());

/** Does it in a process whose clock is wrong by that much; its timers go on. */
async function withClock<T>(wrongByMs: number, work: () => Promise<T>): Promise<T> {
  const now = Date.now() + wrongByMs;
  jest.useFakeTimers({
    now,
    doNotFake: [
      'hrtime', 'nextTick', 'performance', 'queueMicrotask', 'setImmediate', 'clearImmediate', 'setInterval', 'clearInterval',
      'setTimeout', 'clearTimeout',
    ],
  }); // prettier-ignore
  try {
    expect(Math.abs(Date.now() - now)).toBeLessThan(1_000);
    return await work();
  } finally {
    jest.useRealTimers();
  }
}

/** An approved gate that ends so long from now. */
async function approval(endsInMs: number) {
  const ticket = await house.ticket();
  const at = new Date().toISOString();
  const gate = newGate(
    {
      id: v7(), tenantId: house.tenantId, ticketId: ticket.id, runId: null, agentId: null, accessRequestId: null, action: 'a', target: 't',
      reason: null, command: null, riskLevel: 'low', approvalPolicy: {}, digest: 'sealed', requestedBy: system, onBehalfOf: null,
    },
    at,
    endsInMs,
  ); // prettier-ignore
  await house.store.write(house.tenantId, (tx) => gates.insert(tx, { ...gate, status: 'approved' }));
  return () => house.store.read(house.tenantId, (tx) => approvedFor(tx, gate.id, 'sealed'));
}

/** An API key of that end. */
async function key(endsInMs: number) {
  const { key: shown, hash, prefix } = newApiKey();
  await house.store.write(
    house.tenantId,
    (tx) =>
    insertApiKey(tx, {
      id: randomUUID(), name: 'k', keyHash: hash, keyPrefix: prefix, role: 'ADMIN', scopes: [], agentId: null, userId: null,
      expiresAt: new Date(Date.now() + endsInMs).toISOString(),
    }), // prettier-ignore
  );
  return async () => (await principalOfKey(house.store.pool, shown)) !== null;
}

describe.each([
  ['an approval', approval],
  ['an API key', key],
])('%s', (_what, make) => {
  test('that is over is over, also where it is two hours ago', async () => {
    expect(await withClock(-2 * HOUR, await make(-HOUR))).toBe(false);
  });
  test('that is not over is good, also where it is two hours later', async () => {
    expect(await withClock(2 * HOUR, await make(HOUR))).toBe(true);
  });
});

test('a run whose workflow is gone ended when that was seen, whatever time its worker has', async () => {
  const run = await house.run(await house.ticket());
  expect(await withClock(-2 * HOUR, () => runActivities({ ...house, learning: { model: null } }).abandonRun(run))).toBe(
    true,
  );
  const { rows } = await house.owner.query<{ late: number }>(
    'select abs(extract(epoch from now() - finished_at))::float8 as late from runs where id = $1',
    [run.id],
  );
  expect(rows[0]?.late).toBeLessThan(60);
  expect(await runActivities({ ...house, learning: { model: null } }).abandonRun(run)).toBe(false);
});

import { system } from '../../domain/principal';
import { tenantsBehind, moveCursor } from '../../db/cursors';
import { appPool } from '../../db/pool';
import { createStore } from '../../log/store';
import { openHouse, type House } from '../house';

let house: House;
beforeAll(async () => void (house = await openHouse()));
afterAll(() => house.close());

const fail = (e: Error): void => {
  throw e;
};
const entry = (id: string) => ({ kind: 'ticket.noted', actor: system, subject: { kind: 'ticket' as const, id } });
const count = async (): Promise<number> =>
  house.store.read(house.tenantId, async (tx) => (await tx.query('select from log')).rowCount ?? 0);

test('a write in which a statement failed is not acknowledged, even when the work does not mind', async () => {
  const before = await count();
  const write = house.store.write(house.tenantId, async (tx) => {
    await tx.query('select 1 / 0').catch(() => undefined);
    return 'done';
  });
  await expect(write).rejects.toThrow();
  const logged = house.store.write(house.tenantId, async (tx) => {
    tx.log(entry('1'));
    await tx.query('select 1 / 0').catch(() => undefined);
  });
  await expect(logged).rejects.toThrow();
  expect(await count()).toBe(before);
});

test('a tenant that does not exist has no log', async () => {
  const nobody = '00000000-0000-4000-8000-000000000000';
  const write = house.store.write(nobody, (tx) => {
    tx.log(entry('0'));
    return Promise.resolve();
  });
  await expect(write).rejects.toThrow('there is no tenant');
});

test('what the appended text holds stays text', async () => {
  const body = { text: `'); drop table log; -- \\ \\' "\n ü \u2028`, nested: { "it's": [`\\`] } };
  await house.store.write(house.tenantId, (tx) => {
    tx.log({ ...entry('2'), body, receipt: true });
    return Promise.resolve();
  });
  const { rows } = await house.store.read(house.tenantId, (tx) =>
    tx.query(`select body from log where subject_id = '2'`),
  );
  expect(rows).toEqual([{ body }]);
});

test('who is answered knows that it is on disk, though the commit did not wait for that', async () => {
  await house.owner.query(`alter role current_user set synchronous_commit = on`);
  const pool = appPool(house.url, 1, fail);
  try {
    const store = createStore(pool, house.keyring);
    for (const said of [true, false]) {
      // Not durable by itself: another's commit that waits for nothing.
      await house.owner.query(`set synchronous_commit = off; create table if not exists soft (); drop table soft`);
      const at = await store.write(house.tenantId, async (tx) => {
        if (said) tx.log(entry('3'));
        return (await tx.query<{ at: string }>('select pg_current_wal_insert_lsn() as at')).rows[0]?.at;
      });
      const { rows } = await house.owner.query('select pg_current_wal_flush_lsn() >= $1::pg_lsn as flushed', [at]);
      expect(rows).toEqual([{ flushed: true }]);
    }
  } finally {
    await pool.end();
    await house.owner.query('alter role current_user reset synchronous_commit');
  }
});

test('the tenants whose log is ahead of a reader', async () => {
  const other = await house.tenant('other');
  const idle = await house.tenant('idle');
  for (const { tenantId } of [house, other]) {
    await house.store.write(tenantId, (tx) => {
      tx.log(entry('4'));
      return Promise.resolve();
    });
  }
  const behind = async () => (await tenantsBehind(house.store.pool, 'steering')).sort();
  expect(await behind()).toEqual([house.tenantId, other.tenantId].sort());
  await house.store.write(other.tenantId, (tx) => moveCursor(tx, 'steering', 1));
  expect(await behind()).toEqual([house.tenantId]);
  expect(await behind()).not.toContain(idle.tenantId);
});

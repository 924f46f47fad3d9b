import { readOnce, readTx } from '../../db/read';
import { openHouse, type House } from '../house';

// A read goes there and back in as few messages as it has waits, and stays what it was: one tenant, one snapshot, no writes.

let house: House;
beforeAll(async () => void (house = await openHouse()));
afterAll(() => house.close());

const titles = `select title from tickets order by number`;

test('every statement of a read sees the snapshot of its first', async () => {
  const { store, tenantId } = house;
  await house.ticket({ title: 'before' });
  const found = await readTx(store.pool, tenantId, async (tx) => {
    const [one, two] = await Promise.all([tx.query<{ title: string }>(titles), tx.query('select 1 as one', [], 'one')]);
    await house.ticket({ title: 'meanwhile' });
    const later = await tx.query<{ title: string }>(titles);
    return { one: one.rows, two: two.rows, later: later.rows };
  });
  expect(found).toEqual({ one: [{ title: 'before' }], two: [{ one: 1 }], later: [{ title: 'before' }] });
});

test.each([
  ['readTx', readTx],
  ['readOnce', readOnce],
])('%s: nothing is written, and nothing of another tenant is there', async (_name, read) => {
  const { store, tenantId } = house;
  const { tenantId: other } = await house.tenant(`other-${_name.toLowerCase()}`);
  await house.ticket({ tenantId: other, title: 'theirs' });
  expect((await read(store.pool, other, (tx) => tx.query(titles))).rows).toEqual([{ title: 'theirs' }]);
  expect((await read(store.pool, tenantId, (tx) => tx.query(titles))).rows).not.toContainEqual({ title: 'theirs' });
  await expect(read(store.pool, tenantId, (tx) => tx.query(`update tickets set title = 'x'`))).rejects.toThrow(
    'read-only',
  );
  await expect(read(store.pool, `${tenantId}'`, (tx) => tx.query(titles))).rejects.toThrow('not a tenant');
  // What one read entered is left when it is over, on whatever connection.
  const alone = await Promise.all(Array.from({ length: 20 }, () => store.pool.query(titles)));
  expect(alone.flatMap((r) => r.rows)).toEqual([]);
});

test('a statement that fails fails the rest of the read, and the next read on its connection is well', async () => {
  const { store, tenantId } = house;
  const failed = await readTx(store.pool, tenantId, async (tx) => {
    const first = Promise.allSettled([
      tx.query('select 1 as one', [], 'before it'),
      tx.query('select 1 / $1::int', [0], 'it'),
      tx.query('select 2 as two', [], 'after it'),
    ]);
    const states = (await first).map((r) => r.status);
    const after = await tx.query('select 3').then(
      () => 'answered',
      (e: Error) => e.message,
    );
    return { states, after };
  });
  expect(failed).toEqual({ states: ['rejected', 'rejected', 'rejected'], after: 'division by zero' });
  for (let i = 0; i < 20; i += 1) {
    const again = await readTx(store.pool, tenantId, (tx) =>
      Promise.all([
        tx.query('select 1 as one', [], 'before it'),
        tx.query('select 1 / $1::int as half', [1], 'it'),
        tx.query('select 2 as two', [], 'after it'),
      ]),
    );
    expect(again.map((r) => r.rows)).toEqual([[{ one: 1 }], [{ half: 1 }], [{ two: 2 }]]);
  }
});

test('a read of one statement refuses a second', async () => {
  const { store, tenantId } = house;
  const two = readOnce(store.pool, tenantId, async (tx) => {
    await tx.query('select 1');
    return tx.query('select 2');
  });
  await expect(two).rejects.toThrow('a second statement');
});

test('parameters of every kind arrive as they were given', async () => {
  const { store, tenantId } = house;
  const at = new Date('2026-01-02T03:04:05.678Z');
  const { rows } = await readTx(store.pool, tenantId, (tx) =>
    tx.query('select $1::timestamptz as at, $2::text[] as list, $3::jsonb as json, $4::text as none, $5::bytea as bytes, $6::bool as yes', [
      at, ['a,"b', 'ü'], { a: [1] }, null, Buffer.from([0, 255]), true,
    ]),
  ); // prettier-ignore
  expect(rows).toEqual([
    { at, list: ['a,"b', 'ü'], json: { a: [1] }, none: null, bytes: Buffer.from([0, 255]), yes: true },
  ]);
});

test.each(['read first', 'written first'])(
  'a statement that is read and written by one name on one connection: %s',
  async (order) => {
    const { store, tenantId } = house;
    const name = `both ${order}`;
    const ask = (tx: {
      query: (text: string, values: unknown[], name: string) => Promise<unknown>;
    }): Promise<unknown> => tx.query('select $1::int as n', [1], name);
    const one = await store.pool.connect(); // the connection that both get: it is the last that was given back
    one.release();
    const read = (): Promise<unknown> => readTx(store.pool, tenantId, ask);
    const write = (): Promise<unknown> => store.write(tenantId, ask);
    for (const step of order === 'read first' ? [read, write, read, write] : [write, read, write, read])
      expect(await step()).toMatchObject({ rows: [{ n: 1 }] });
  },
);

import type { Entry } from '../../domain/log';
import { system } from '../../domain/principal';
import { listen, type Tail } from '../../log/tail';
import { openHouse, type House } from '../house';

let house: House;
beforeAll(async () => void (house = await openHouse()));
afterAll(() => house.close());

const patient = new AbortController().signal;
const write = (n: number, tenantId = house.tenantId) =>
  house.store.write(tenantId, (tx) => {
    for (let i = 0; i < n; i += 1)
      tx.log({ kind: 'ticket.noted', actor: system, subject: { kind: 'ticket', id: `${i}` } });
    return Promise.resolve();
  });
/** So many entries after `seq`, however many looks that takes. */
async function take(tail: Tail, seq: number, n: number): Promise<Entry[]> {
  const got: Entry[] = [];
  while (got.length < n) {
    const more = await tail.after(got.at(-1)?.seq ?? seq, 20_000, patient);
    if (!more.length) throw new Error(`only ${got.length} of ${n}`);
    got.push(...more);
  }
  return got;
}
const seqs = (entries: readonly Entry[]): number[] => entries.map((e) => e.seq);

test('everybody who listens gets every entry once, in order, from where they are', async () => {
  await write(3);
  const [a, b] = await Promise.all([listen(house.store, house.tenantId), listen(house.store, house.tenantId)]);
  expect([a.seq, b.seq]).toEqual([3, 3]);
  const [live, replayed] = [take(a, 3, 5), take(b, 0, 8)];
  await write(5);
  expect(seqs(await live)).toEqual([4, 5, 6, 7, 8]);
  expect(seqs(await replayed)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  a.leave();
  b.leave();
});

test('a listener that is further behind than memory reaches reads on from the table', async () => {
  const tail = await listen(house.store, house.tenantId);
  const from = tail.seq;
  for (let i = 0; i < 4; i += 1) await write(600);
  expect(seqs(await take(tail, from, 2_400))).toEqual(Array.from({ length: 2_400 }, (_, i) => from + 1 + i));
  tail.leave();
});

test('a wait ends with the time, and with whoever waits', async () => {
  const tail = await listen(house.store, house.tenantId);
  expect(await tail.after(tail.seq, 10, patient)).toEqual([]);
  const gone = new AbortController();
  const waiting = tail.after(tail.seq, 60_000, gone.signal);
  gone.abort();
  expect(await waiting).toEqual([]);
  tail.leave();
});

test('who comes when the last has just left gets what happens next', async () => {
  const first = await listen(house.store, house.tenantId);
  first.leave();
  const second = await listen(house.store, house.tenantId);
  const next = take(second, second.seq, 1);
  await write(1);
  expect(await next).toHaveLength(1);
  second.leave();
});

test('a tenant hears nothing of another', async () => {
  const other = await house.tenant('other');
  const [mine, theirs] = [await listen(house.store, house.tenantId), await listen(house.store, other.tenantId)];
  const heard = take(theirs, theirs.seq, 1);
  await write(2);
  await write(1, other.tenantId);
  expect((await heard).map((e) => e.tenantId)).toEqual([other.tenantId]);
  mine.leave();
  theirs.leave();
});

test('a database that fails ends the tail; the next one works', async () => {
  const tail = await listen(house.store, house.tenantId);
  const waiting = tail.after(tail.seq, 20_000, patient);
  const ended = expect(waiting).rejects.toThrow();
  await house.owner.query(`revoke select on log from wheelhouse_app`);
  await ended;
  await house.owner.query(`grant select on log to wheelhouse_app`);
  tail.leave();
  const next = await listen(house.store, house.tenantId);
  expect(next.seq).toBe(tail.seq);
  next.leave();
});

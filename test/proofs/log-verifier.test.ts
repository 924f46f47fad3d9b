import { system } from '../../domain/principal';
import { attacks, hasReceipt, rehash } from '../../proofs/log/tamper';
import { independently, rawRows, type RawRow } from '../../proofs/log/verifier';
import { random } from '../../proofs/random';
import { openHouse, type House } from '../house';

const size = 12;
let house: House;
const wrong = async (): Promise<string[]> =>
  independently((await house.owner.query<RawRow & Record<string, unknown>>(rawRows, [house.tenantId])).rows);

beforeAll(async () => {
  house = await openHouse();
  await house.store.write(house.tenantId, (tx) => {
    for (let seq = 1; seq <= size; seq += 1) {
      const kind = hasReceipt(seq) ? 'execution.allow' : 'ticket.noted';
      const subject = { kind: 'ticket' as const, id: `${seq}` };
      tx.log({
        kind,
        actor: system,
        subject,
        tool: 'größe “x”',
        requestId: `r${seq}`,
        receipt: hasReceipt(seq),
        body: { seq: seq / 7 },
      });
    }
    return Promise.resolve();
  });
});
afterAll(() => house.close());
beforeEach(() => house.owner.query('begin; set local session_replication_role = replica'));
afterEach(() => house.owner.query('rollback'));

test('the independent verifier finds nothing wrong with what the product wrote, in order also from 10 on', async () => {
  expect(await wrong()).toEqual([]);
});

test('it finds what was changed, and where', async () => {
  await house.owner.query(`update log set tool = 'x' where seq = 5`);
  expect(await wrong()).toEqual(['5 digest', '5 event_hash']);
  await house.owner.query('delete from log where seq = 8');
  expect(await wrong()).toEqual(expect.arrayContaining(['9 gap', '9 prev_hash']));
});

test('who rehashes leaves nothing that hashes could show', async () => {
  await house.owner.query(`update log set body = '{"seq": 1}' where seq = 5`);
  expect(await wrong()).toEqual(['5 digest']);
  await rehash(house.owner, house.tenantId);
  expect(await wrong()).toEqual([]);
});

test('every attack changes something, and the same seed draws the same', async () => {
  for (const attack of attacks) {
    const { name, sql, params } = attack(size, random(7));
    expect(attack(size, random(7))).toEqual({ ...attack(size, random(7)), name, sql, params });
    await house.owner.query('savepoint attack');
    const state = async () =>
      (await house.owner.query('select (select md5(array_agg(l order by seq)::text) from log l) as log, (select md5(array_agg(r order by entry_id)::text) from receipts r) as receipts')).rows; // prettier-ignore
    const before = await state();
    await house.owner.query(sql, params);
    expect({ name, state: await state() }).not.toEqual({ name, state: before });
    await house.owner.query('rollback to savepoint attack');
  }
});

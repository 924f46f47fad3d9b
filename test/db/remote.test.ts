import { hasClaimers } from '../../db/remote-workers';
import { stalledUntold } from '../../db/stalled';
import { openHouse, type House } from '../house';
import { asApplication, explaining } from './explaining';

let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house.close());

test('while one worker tells of those that stalled, another tells of none', async () => {
  for (let i = 0; i < 2; i += 1) await house.run(await house.ticket());
  await house.owner.query(`update runs set heartbeat = now() - interval '2 hours'`);
  const look = () => house.store.write(house.tenantId, (tx) => stalledUntold(tx, 1));
  const [first, meanwhile] = await house.store.write(house.tenantId, async (tx) => [await stalledUntold(tx, 1), await look()]);
  expect(first).toHaveLength(1);
  expect(meanwhile).toEqual([]);
  expect(await look()).toEqual(first);
}); // prettier-ignore

test('whether somebody may claim is known without reading the keys of runs', async () => {
  const keys = (count: number, scopes: string, run: string) =>
    house.owner.query(
      `insert into api_keys (id, tenant_id, name, key_hash, key_prefix, role, scopes, run_id)
       select gen_random_uuid(), $1, 'k', gen_random_uuid(), 'acp_', 'agent-operator', $2, ${run} from generate_series(1, $3::int)`,
      [house.tenantId, scopes, count],
    );
  await house.owner.query('update api_keys set revoked_at = now()');
  await keys(5_000, '{tickets:read}', 'gen_random_uuid()');
  await house.owner.query('analyze api_keys');
  await asApplication(house.owner, house.tenantId);
  const seen = explaining(house.owner, house.tenantId, ['api_keys']);
  expect(await hasClaimers(seen.tx)).toBe(false);
  await house.owner.query('reset role');
  await keys(1, '{agents:claim}', 'null');
  await asApplication(house.owner, house.tenantId);
  expect(await hasClaimers(seen.tx)).toBe(true);
  expect(seen.looks).toEqual([]);
  expect(seen.rows()).toBeLessThan(10);
});

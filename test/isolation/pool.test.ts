import { randomBytes, randomUUID } from 'node:crypto';
import { Client, type Pool } from 'pg';
import { appPool } from '../../db/pool';
import { loadKeyring } from '../../log/keys';
import { provisionTenant } from '../../log/provision';
import { createStore, type Store } from '../../log/store';
import { interleave, settle, type Inhabitant } from '../../proofs/isolation/interleave';
import { random } from '../../proofs/random';
import { freshDatabase } from '../stack';

let owner: Client;
let pool: Pool;
let store: Store;
let drop: () => Promise<void>;
const inhabitants: Inhabitant[] = [];

beforeAll(async () => {
  const database = await freshDatabase();
  drop = database.drop;
  const masterKey = randomBytes(32);
  for (let i = 0; i < 4; i += 1) {
    const made = await provisionTenant(database.url, {
      slug: `t${i}`, fourEyes: 'strict', operatorSignals: false, adminEmail: 'a@local.test', adminPassword: randomUUID(), masterKey, apiKey: null,
    }); // prettier-ignore
    inhabitants.push({ tenantId: made.tenantId, mark: `mark-${i}`, token: made.apiKey });
  }
  owner = new Client({ connectionString: database.url });
  await owner.connect();
  pool = appPool(database.url, 4, () => undefined);
  store = createStore(pool, await loadKeyring(pool, masterKey));
  await settle(owner, inhabitants);
});
afterAll(async () => {
  await pool.end();
  await owner.end();
  await drop();
});

test('many tenants through four connections, with failures and killed backends between: everybody sees their own rows', async () => {
  const told = await interleave({ pool, store, owner, inhabitants, url: null, count: 4_000, chance: random(20_260) });
  expect(told.leaks).toEqual([]);
  expect(told.answered).toBeGreaterThan(2_000);
  expect(told.killed).toBeGreaterThan(0);
  expect(told.cancelled).toBeGreaterThan(0);
  const { rows } = await owner.query(`select count(*)::int as n from log where kind = 'article.touched'`);
  expect((rows[0] as { n: number }).n).toBeGreaterThan(0);
}, 60_000);

test('a transaction whose statement failed is not told as done, even when the failure was swallowed', async () => {
  const at = inhabitants[0] as Inhabitant;
  const work = store.write(at.tenantId, async (tx) => {
    await tx.query('delete from skills');
    await tx.query('select 1 / 0').catch(() => undefined);
  });
  await expect(work).rejects.toThrow(
    /a statement of the transaction failed|transaction is aborted|could not be written/,
  );
});

test('no connection can turn row-level security off, nor act as a role that passes it', async () => {
  const at = inhabitants[0] as Inhabitant;
  const ask = (sql: string) => store.write(at.tenantId, (tx) => tx.query(sql));
  await expect(ask('set local row_security = off; select * from articles')).rejects.toMatchObject({ code: '42501' });
  await expect(ask('alter table articles no force row level security')).rejects.toMatchObject({ code: '42501' });
  const reset = await store.read(at.tenantId, (tx) =>
    tx.query('reset role').then(() => tx.query('select current_user as who')),
  );
  expect(reset.rows).toEqual([{ who: 'wheelhouse_app' }]);
});

import { randomBytes, randomUUID } from 'node:crypto';
import { withStack } from '../bench/stack';
import { appPool } from '../db/pool';
import type { Keyring } from '../log/keys';
import { provisionTenant } from '../log/provision';
import { createStore } from '../log/store';
import { interleave, settle, type Inhabitant } from './isolation/interleave';
import { leaks, unnoticed } from './isolation/probe';
import { unisolated } from './isolation/tables';
import type { Proof } from './proof';
import { random } from './random';

/** T9: no tenant sees a row of another, whoever had the connection before. Counted in requests. */
export const isolation: Proof = {
  title: 'Rows stay with their tenant: forced policies, each of them missed when it is gone, and pooled connections',
  quick: 10_000,
  run: ({ config, count, seed, say }) =>
    withStack(config, async ({ local, owner }) => {
      const violations = [...(await unisolated(owner)), ...(await leaks(owner))];
      const { tried, missed } = await unnoticed(owner);
      say(`${tried} filters taken away, ${missed.length} of them unnoticed`);
      const masterKey = randomBytes(32); // seals nothing: the keys that sign are there already
      const inhabitants: Inhabitant[] = [];
      for (let i = 0; i < 8; i += 1) {
        const slug = `isolated-${i}`;
        const made = await provisionTenant(local.database_url, {
          slug, fourEyes: 'strict', operatorSignals: false, adminEmail: 'a@local.test', adminPassword: randomUUID(), masterKey, apiKey: null,
        }); // prettier-ignore
        inhabitants.push({ tenantId: made.tenantId, mark: `mark-${slug}`, token: made.apiKey });
      }
      await settle(owner, inhabitants);
      const pool = appPool(local.database_url, 4, () => undefined);
      try {
        const store = createStore(pool, signsNothing);
        const told = await interleave({ pool, store, owner, inhabitants, url: local.url, count, chance: random(seed) });
        const { leaks: seen, ...figures } = told;
        violations.push(...missed, ...seen);
        return { figures: { filters: tried, leaks: seen.length, ...figures }, violations };
      } finally {
        await pool.end();
      }
    }),
};

/** No entry of this proof has a receipt. */
const refuse = (): never => {
  throw new Error('nothing is signed here');
};
const signsNothing: Keyring = {
  current: refuse,
  find: refuse,
  all: refuse,
  sign: refuse,
  personalKey: refuse,
  refresh: refuse,
};

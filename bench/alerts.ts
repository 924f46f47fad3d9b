import { Client } from 'pg';
import type { Config } from '../config';
import { evaluateRules } from '../activities/lifecycle/alerts';
import { evaluate } from '../db/alert-evaluation';
import { appPool } from '../db/pool';
import { createStore } from '../log/store';
import { loadKeyring } from '../log/keys';
import { withPostgres } from './postgres';
import { median, type Row } from './row';

const agents = 10_000;
const rules = 1_000;
const runsEach = 25;
const reach = 2_000;
const rounds = 5;

/**
 * All rules held against all agents, as the Schedule does it: 1,000 rules, a quarter of each type, one in fifty of them of
 * all agents and the others of one each, over 10,000 agents with 25 ended runs each, of which some are in trouble. First
 * where nothing has fired yet, then where what fired stands.
 */
export const alerts = (_config: Config): Promise<Row[]> =>
  withPostgres(async ({ url, tenantId, masterKey }) => {
    const owner = new Client({ connectionString: url });
    await owner.connect();
    try {
      await seed(owner, tenantId);
    } finally {
      await owner.end();
    }
    const failed: Error[] = [];
    const pool = appPool(url, 2, (e) => failed.push(e));
    try {
      const store = createStore(pool, await loadKeyring(pool, Buffer.from(masterKey, 'base64')));
      let fired = 0;
      const first: number[] = [];
      for (let more = true; more;) {
        const from = performance.now();
        const found = await store.write(tenantId, (tx) => evaluateRules(tx, null));
        first.push(performance.now() - from);
        fired += found.fired;
        ({ more } = found);
      }
      const timed = async (names: string[] | null): Promise<number> => {
        const found: number[] = [];
        for (let i = 0; i < rounds; i += 1) {
          const from = performance.now();
          await store.write(tenantId, (tx) => evaluate(tx, names));
          found.push(performance.now() - from);
        }
        return median(found);
      };
      const all = await timed(null);
      const one = await timed(['agent 77']);
      if (failed[0]) throw failed[0];
      const what = `${rules} alert rules over ${agents} agents`;
      return [
        {
          what: `${what}, ${fired} alerts firing with their entries`,
          measured: `${Math.max(...first).toFixed(0)} ms the longest of ${first.length} transactions`,
          beside: `together ${first.reduce((a, b) => a + b, 0).toFixed(0)} ms`,
          reach: `≤ ${reach} ms`,
          reached: Math.max(...first) <= reach,
        },
        {
          what: `${what}, while those stand`,
          measured: `${all.toFixed(0)} ms`,
          beside: `for one agent whose run ended ${one.toFixed(0)} ms`,
          reach: `≤ ${reach} ms`,
          reached: all <= reach,
        },
      ];
    } finally {
      await pool.end();
    }
  });

/** One agent in a hundred fails, runs long, or not at all; every other has a failure among its last runs. */
async function seed(owner: Client, tenantId: string): Promise<void> {
  await owner.query('set session_replication_role = replica'); // tallies and statistics are brought up afterwards
  await owner.query(
    `insert into agents (id, tenant_id, name, harness, runtime, created_at)
     select gen_random_uuid(), $1, 'agent ' || i, 'external', 'external', now() - interval '30 days' from generate_series(1, ${agents}) i`,
    [tenantId],
  );
  await owner.query(
    `insert into reported_runs (id, tenant_id, agent_name, status, duration_ms, started_at, completed_at, listed_at, version)
     select gen_random_uuid(), $1, 'agent ' || i,
       case when i % 100 = 1 and n <= 3 or i % 2 = 0 and n = 12 then 'failed' else 'completed' end,
       case when i % 100 = 2 and n = 1 then 600000 else 1000 end, e.at - interval '1 second', e.at, e.at - interval '1 second', 1
     from generate_series(1, ${agents}) i cross join generate_series(1, ${runsEach}) n
     cross join lateral (select now() - n * interval '10 minutes' - case when i % 100 = 3 then interval '3 days' else '0' end as at) e`,
    [tenantId],
  );
  const types: [type: string, all: number, one: number][] = [
    ['consecutive_failures', 3, 3],
    ['duration_exceeded', 500_000, 500_000],
    ['no_run_since', 1_440, 1_440],
    ['error_rate', 0.12, 0.12],
  ];
  for (const [type, all, one] of types)
    await owner.query(
      `insert into alert_rules (id, tenant_id, rule_type, threshold, agent_name, enabled, created_by)
       select gen_random_uuid(), $1, $2, case when i % 50 = 0 then $3 else $4 end::float8,
         case when i % 50 <> 0 then 'agent ' || i * 7 end, true, '{"id":null,"kind":"system","name":"system"}'
       from generate_series(1, ${rules / types.length}) i`,
      [tenantId, type, all, one],
    );
  await owner.query('set session_replication_role = origin');
  await owner.query('select tally_runs_afresh()');
  await owner.query('vacuum analyze');
}

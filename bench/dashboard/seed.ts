import { Client } from 'pg';
import { filled } from '../reads/bulk';

const days = 30;
const who = `'{"id":null,"kind":"system","name":"seed"}'::jsonb`;
/** Ids that grow, of a table's own. */
const idOf = (table: number, i: string): string =>
  `('0199${table.toString().padStart(4, '0')}-0000-7000-8000-' || lpad(to_hex(${i}), 12, '0'))::uuid`;

/**
 * That many agents, and runs of a month, half of them of workflows here and half reported, as the owner and past the doors.
 * One of ten failed, one of fifty was stopped, one of five hundred goes on.
 */
export async function seedFleet(url: string, tenantId: string, agents: number, runs: number): Promise<void> {
  const options = `-c synchronous_commit=off -c session_replication_role=replica -c maintenance_work_mem=512MB`;
  const owner = new Client({ connectionString: url, options });
  await owner.connect();
  try {
    await owner.query(
      `insert into agents (id, tenant_id, name, display_name, harness, runtime, status, agent_type, capabilities, configuration)
       select ${idOf(21, 'i')}, $1, 'fleet-' || i, 'Fleet agent ' || i, 'embedded', 'external',
         case when i % 20 = 0 then 'PAUSED' else 'ACTIVE' end, 'scheduled_task', '{logs.search,knowledge.search}', '{"team": "operations"}'
       from generate_series(1, $2::int) i`,
      [tenantId, agents],
    );
    const each = Math.ceil(runs / 2);
    const ends = (words: readonly string[]): string =>
      `case when dice = 0 then '${words[0]}' when dice % 50 = 1 then '${words[1]}' when dice % 10 = 2 then '${words[2]}' else '${words[3]}' end`;
    const rows = `from (select i, dice, dice <> 0 as over, now() - ($2::int - i) * interval '1 second' * (${days * 86_400} / $2::float8) as at
      from (select i, abs(hashint4(i) % 500) as dice from generate_series(1, $2::int) i) d) s`;
    await filled(owner, 'runs', () =>
      owner.query(
        `insert into runs (id, tenant_id, agent_id, ticket_id, task_type, harness, scopes, status, spawned_by, created_at, started_at, finished_at, result, version)
         select ${idOf(22, 'i')}, $1, ${idOf(21, `1 + i % ${agents}`)}, ${idOf(24, 'i')}, 'ticket_resolution', 'embedded', '{}',
           ${ends(['running', 'stopped', 'failed', 'finished'])}, ${who}, at, at, case when over then at + (i % 600) * interval '1 second' end,
           'Looked at the logs of host-' || i % 5000 || ', and found what fails.', 3 ${rows}`,
        [tenantId, each],
      ),
    );
    await filled(owner, 'reported_runs', () =>
      owner.query(
        `insert into reported_runs (id, tenant_id, eve_id, agent_name, task_type, status, model, duration_ms, output_summary, started_at, completed_at, listed_at, version)
         select ${idOf(23, 'i')}, $1, 'eve-' || i, 'fleet-' || 1 + i % ${agents}, 'digest',
           ${ends(['started', 'skipped', 'failed', 'completed'])}, 'm-' || i % 5, case when over then (i % 600) * 1000 end, 'Sent to ' || i % 100 || ' people.',
           at, case when over then at + (i % 600) * interval '1 second' end, at, 2 ${rows}`,
        [tenantId, each],
      ),
    );
    await filled(owner, 'report_runs', () =>
      owner.query(
        `insert into report_runs (id, tenant_id, agent_name, report_type, status, period, summary, created_at)
         select ${idOf(25, 'i')}, $1, 'fleet-' || 1 + i % ${agents}, 'weekly', 'completed', 'W' || i % 52, 'All well.', at ${rows}`,
        [tenantId, Math.ceil(runs / 20)],
      ),
    );
    await owner.query(
      `insert into agent_signals (id, tenant_id, for_agent, created_by, signal, expires_at, created_at)
       select ${idOf(26, 'i')}, $1, 'fleet-' || 1 + i % ${agents}, 'seed', 'look', now() + interval '1 day', now() - i * interval '1 second'
       from generate_series(1, $2::int) i`,
      [tenantId, Math.ceil(agents / 10)],
    );
    await owner.query('select tally_runs_afresh(), tally_signals_afresh()');
    for (const table of ['agents', 'run_tallies', 'agent_signals', 'signal_tallies'])
      await owner.query(`vacuum (analyze) ${table}`);
    await owner.query('checkpoint');
  } finally {
    await owner.end();
  }
}

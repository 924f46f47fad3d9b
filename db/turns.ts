import { z } from 'zod';
import { taskTypes, turnRank } from '../domain/run';
import { usualRuntime } from '../domain/runtime';
import { RuntimeConfigSchema } from '../domain/runtime.schema';
import { whoseTurn } from '../domain/turns';
import { prepared } from './prepared';
import type { Read } from './tx';

const Row = z.object({
  config: RuntimeConfigSchema.pick({ profiles: true, max_concurrent_agents: true }).loose().nullable(),
  working: z.array(z.object({ profile: z.string().nullable(), n: z.int() })),
  waiting: z.array(
    z.object({
      id: z.uuid(),
      profileId: z.string().nullable(),
      number: z.int(),
      taskType: z.enum(taskTypes),
      priority: z.string().nullable(),
    }),
  ),
});

/** Those that wait are read only where one of them may begin. */
const sql = `with working as (select profile_id, count(*) as n from runs where status = 'running' group by profile_id)
  select c.config,
    (select coalesce(jsonb_agg(jsonb_build_object('profile', profile_id, 'n', n)), '[]') from working) as working,
    case when (select coalesce(sum(n), 0) from working) < coalesce((c.config ->> 'max_concurrent_agents')::int, $1) then
      (select coalesce(jsonb_agg(q), '[]') from (
         select r.id, r.profile_id as "profileId", r.number, r.task_type as "taskType", t.priority
         from runs r join tickets t on t.id = r.ticket_id where r.status = 'spawned') q) else '[]' end as waiting
  from (select (select config from runtime_configs) as config) c`;

/** Whoever begins a run, or says whose turn it is, does so one after the other: until this transaction ends. */
export async function holdTurns(tx: Read): Promise<void> {
  await tx.query(`select pg_advisory_xact_lock(hashtextextended('turns:' || $1, 0))`, [tx.tenantId], 'hold turns');
}

/** The runs whose turn it is: they may begin, each as soon as it asks. */
export async function turns(tx: Read): Promise<string[]> {
  const { rows } = await prepared(tx, sql, [usualRuntime.max_concurrent_agents]);
  const { config, working, waiting } = Row.parse(rows[0]);
  const { profiles, max_concurrent_agents: total } = config ?? usualRuntime;
  const limited = profiles.flatMap((p) =>
    p.max_concurrent_agents === null ? [] : [[p.id, p.max_concurrent_agents] as const],
  );
  return whoseTurn(
    waiting.map((w) => ({ ...w, rank: turnRank(w.priority, w.taskType) })),
    new Map(working.map((w) => [w.profile, w.n])),
    { total, profiles: new Map(limited) },
  );
}

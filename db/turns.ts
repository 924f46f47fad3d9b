import { z } from 'zod';
import { taskTypes } from '../domain/run';
import { usualLimits } from '../domain/agent-work';
import { usualRuntime } from '../domain/runtime';
import { RuntimeConfigSchema } from '../domain/runtime.schema';
import { orderRank, taskPriorities } from '../domain/task-order';
import { whoseTurn } from '../domain/turns';
import { prepared } from './prepared';
import type { Read } from './tx';

const Row = z.object({
  config: RuntimeConfigSchema.pick({ profiles: true, max_concurrent_agents: true }).loose().nullable(),
  working: z.array(z.object({ profile: z.string().nullable(), n: z.int() })),
  rooms: z.array(z.object({ agent: z.uuid(), room: z.int() })),
  waiting: z.array(
    z.object({
      id: z.uuid(),
      profileId: z.string().nullable(),
      agentId: z.uuid(),
      number: z.int(),
      taskType: z.enum(taskTypes),
      priority: z.string().nullable(),
      own: z.enum(taskPriorities).nullable(),
    }),
  ),
});

/**
 * Those that wait are read only where one of them may begin: with room in the tenant and at their agent. A task that is to run
 * later does not wait yet; $2 is whoever asks, whose time has come by the clock that it goes by. An agent of the orchestration
 * door has $3 at once where its configuration says nothing.
 */
const sql = `with working as (select profile_id, count(*) as n from runs where status = 'running' group by profile_id),
  rooms as (
    select a.id as agent, greatest(0, case when jsonb_typeof(a.configuration -> 'max_concurrent_tasks') = 'number'
        then least(1000000, (a.configuration ->> 'max_concurrent_tasks')::numeric)::int else $3::int end - (
        select count(*) from runs r where r.agent_id = a.id
          and r.status in ('running', 'pending_approval', 'awaiting_access', 'awaiting_user_response', 'blocked')))::int as room
    from agents a where a.work_type is not null or jsonb_typeof(a.configuration -> 'max_concurrent_tasks') = 'number')
  select c.config,
    (select coalesce(jsonb_agg(jsonb_build_object('profile', profile_id, 'n', n)), '[]') from working) as working,
    (select coalesce(jsonb_agg(rooms), '[]') from rooms) as rooms,
    case when (select coalesce(sum(n), 0) from working) < coalesce((c.config ->> 'max_concurrent_agents')::int, $1) then
      (select coalesce(jsonb_agg(q), '[]') from (
         select r.id, r.profile_id as "profileId", r.agent_id as "agentId", r.number, r.task_type as "taskType", t.priority, o.priority as own
         from runs r join tickets t on t.id = r.ticket_id left join task_orders o on o.run_id = r.id
         where r.status = 'spawned' and (o.run_at is null or o.run_at <= now() or r.id = $2)
           and not exists (select from rooms where agent = r.agent_id and room = 0)) q) else '[]' end as waiting
  from (select (select config from runtime_configs) as config) c`;

/** Whoever begins a run, or says whose turn it is, does so one after the other: until this transaction ends. */
export async function holdTurns(tx: Read): Promise<void> {
  await tx.query(`select pg_advisory_xact_lock(hashtextextended('turns:' || $1, 0))`, [tx.tenantId], 'hold turns');
}

/** The runs whose turn it is: they may begin, each as soon as it asks. `asking` is one whose time has come. */
export async function turns(tx: Read, asking: string | null = null): Promise<string[]> {
  const { rows } = await prepared(tx, sql, [
    usualRuntime.max_concurrent_agents,
    asking,
    usualLimits.maxConcurrentTasks,
  ]);
  const { config, working, rooms, waiting } = Row.parse(rows[0]);
  const { profiles, max_concurrent_agents: total } = config ?? usualRuntime;
  const limited = profiles.flatMap((p) =>
    p.max_concurrent_agents === null ? [] : [[p.id, p.max_concurrent_agents] as const],
  );
  return whoseTurn(
    waiting.map((w) => ({ ...w, rank: orderRank(w.own, w.priority, w.taskType) })),
    new Map(working.map((w) => [w.profile, w.n])),
    { total, profiles: new Map(limited), agents: new Map(rooms.map((r) => [r.agent, r.room])) },
  );
}

import { rateOf, type RuleType } from '../domain/alert';
import type { Read } from './tx';

/** What one statement fires, and what it ends, at most: a tenant's log is locked for as long as it takes their entries. */
const most = 250;
/** Runs that an alert names. */
const causes = 20;

/** How a type of rule looks at an agent `w`: what is measured, which runs that is of, and how it is said. */
interface Condition {
  /** A lateral query that gives `measured`: null where there is nothing to measure. */
  fact: string;
  holds: '>' | '>=';
  /** Ids and times (`id`, `at`) of the runs behind it; `b` is the agent with `measured` and `threshold`. */
  runs: string;
  /** Over `b`. */
  message: string;
}

const kinds = [
  {
    table: 'runs',
    status: 'outcome',
    ended: 'finished_at',
    began: 'coalesce(x.started_at, x.created_at)',
    listed: 'created_at',
    of: (w: string) => `x.agent_id = ${w}.agent_id`,
    took: 'milliseconds(x.started_at, x.finished_at)',
  },
  {
    table: 'reported_runs',
    status: 'status',
    ended: 'completed_at',
    began: 'coalesce(x.started_at, x.listed_at)',
    listed: 'listed_at',
    of: (w: string) => `x.agent_name = ${w}.name`,
    took: 'x.duration_ms',
  },
] as const;
type Kind = (typeof kinds)[number];

/** Of each kind, and each of these statuses, an index has what is asked for; together they are put in order again. */
const each = (statuses: readonly string[], part: (kind: Kind, where: string) => string, w = 'w'): string =>
  kinds
    .flatMap((kind) => statuses.map((s) => `(${part(kind, `${kind.of(w)} and x.${kind.status} = '${s}'`)})`))
    .join(' union all ');

const ended = ['completed', 'failed'];
const lastEnded = (limit: number, w = 'w'): string =>
  `select e.* from (${each(
    ended,
    (k, where) =>
      `select x.id, x.${k.ended} as at, ${k.took} as took, x.${k.status} = 'failed' as failed from ${k.table} x
       where ${where} order by x.${k.ended} desc limit ${limit}`,
    w,
  )}) e order by e.at desc limit ${limit}`;
const underWay = (limit: number, w = 'w'): string =>
  each(
    ['started'],
    (k, where) =>
      `select x.id, ${k.began} as at, extract(epoch from now() - ${k.began}) * 1000 as took from ${k.table} x
       where ${where} order by x.${k.listed} limit ${limit}`,
    w,
  );
const newestBegun = (statuses: readonly string[], w = 'w'): string =>
  each(
    statuses,
    (k, where) =>
      `select x.id, x.${k.listed} as at from ${k.table} x where ${where} order by x.${k.listed} desc limit 1`,
    w,
  );

const conditions: Record<RuleType, Condition> = {
  consecutive_failures: {
    // Counted by the trigger where it is registered (000020).
    fact: `select coalesce(w.failures, failures_after(current_tenant(), null, w.name, coalesce(
        (select x.completed_at from reported_runs x where x.agent_name = w.name and x.status = 'completed'
         order by x.completed_at desc limit 1), (select g.success_at from gone_runs g where g.agent_name = w.name),
        '-infinity'))) as measured`,
    holds: '>=',
    runs: each(
      ['failed'],
      (k, where) =>
        `select x.id, x.${k.ended} as at from ${k.table} x where ${where}
           and x.${k.ended} > coalesce((select max(s.at) from (${lastSuccess('b')}) s), '-infinity')
         order by x.${k.ended} desc limit ${causes}`,
      'b',
    ),
    message: `format('%s failed %s times in a row; %s are too many', b.name, b.measured, b.threshold)`,
  },
  duration_exceeded: {
    fact: `select max(took) as measured from (select took from (${lastEnded(1)}) l union all select took from (${underWay(1)}) u) t`,
    holds: '>',
    runs: `select id, at from (select id, at, took from (${lastEnded(1, 'b')}) l
       union all select id, at, took from (${underWay(causes, 'b')}) u) t where t.took > b.threshold`,
    message: `format('a run of %s takes %s ms; the limit is %s', b.name, floor(b.measured), b.threshold)`,
  },
  no_run_since: {
    // Where its last run ended lately, nothing more is looked for.
    fact: `select extract(epoch from now() - greatest(w.last_run_at, w.since,
        (select max(at) from (${newestBegun(['started', 'skipped'])}) n where w.quiet),
        (select max(at) from (${lastEnded(1)}) n where w.agent_id is null))) / 60 as measured where not w.paused`,
    holds: '>',
    runs: `select id, at from (select * from (${newestBegun(['started', 'skipped'], 'b')}) n
       union all select id, at from (${lastEnded(1, 'b')}) l) t`,
    message: `format('no run of %s for %s minutes; the limit is %s', b.name, floor(b.measured), b.threshold)`,
  },
  error_rate: {
    // Who never failed has a rate of 0.
    fact: `select avg(failed::int)::float8 as measured from (${lastEnded(rateOf.runs)}) t
      where w.agent_id is null or w.last_failure_at is not null having count(*) >= ${rateOf.least}`,
    holds: '>',
    runs: `select id, at from (${lastEnded(rateOf.runs, 'b')}) t where t.failed`,
    message: `format('%s %% of the last runs of %s failed; the limit is %s %%', round(b.measured * 100), b.name, b.threshold * 100)`,
  },
};

function lastSuccess(w: string): string {
  return each(
    ['completed'],
    (k, where) => `select x.${k.ended} as at from ${k.table} x where ${where} order by x.${k.ended} desc limit 1`,
    w,
  );
}

/**
 * One statement for all rules of a type: who is watched, once each; what is measured of them; whose limits that is beyond;
 * then the episodes that are over end, and those that are new begin. `$1`: the agents to look at, null for all.
 * A rule of all agents is one of the registered that are not disabled; a rule with a name holds whoever goes by it.
 */
const statement = (type: RuleType, { fact, holds, runs, message }: Condition): string => `
  with rules as materialized (
    select r.id, r.agent_name, r.threshold, r.notify_channel, r.created_at from alert_rules r
    where r.rule_type = '${type}' and r.enabled and ($1::text[] is null or r.agent_name is null or r.agent_name = any($1))
  ), least as materialized (
    select min(threshold) as threshold, min(threshold) filter (where agent_name is null) as of_all from rules
  ), named as (
    select agent_name as name, min(created_at) as since from rules where agent_name is not null group by 1
  ), known as (
    select a.id as agent_id, a.name, a.consecutive_failures as failures, a.last_run_at, a.last_failure_at,
      a.created_at as since, a.status = 'PAUSED' as paused,
      coalesce(a.last_run_at, a.created_at) < now() - (select threshold from least) * interval '1 minute' as quiet
    from agents a where a.status <> 'DISABLED' and ($1::text[] is null or a.name = any($1))
      and ((select of_all from least) is not null or a.name in (select name from named))
  ), watched as (
    select * from known
    union all
    select null, n.name, null, null, null, n.since, false, true from named n
    where not exists (select from known k where k.name = n.name)
  ), measured as materialized (
    select w.agent_id, w.name, f.measured::float8 as measured from watched w cross join lateral (${fact}) f
    where f.measured is not null
  ), breaching as materialized (
    select r.id as rule_id, r.threshold, r.notify_channel, m.* from measured m join rules r on r.agent_name = m.name
    where m.measured ${holds} r.threshold
    union all
    select r.id, r.threshold, r.notify_channel, m.* from measured m join rules r on r.agent_name is null
    where m.measured ${holds} (select of_all from least) and m.measured ${holds} r.threshold
  ), over as (
    select x.id from alerts x where x.ended_at is null and x.rule_type = '${type}' and ($1::text[] is null or x.agent_name = any($1))
      and not exists (select from breaching b where b.rule_id = x.rule_id and b.name = x.agent_name)
    limit ${most}
  ), ended as (
    update alerts x set ended_at = now() from over where x.id = over.id returning x.*
  ), begun as (
    select b.* from breaching b where not exists (
      select from alerts x where x.rule_id = b.rule_id and x.agent_name = b.name and x.ended_at is null)
    limit ${most}
  ), fired as (
    insert into alerts (id, tenant_id, rule_id, rule_type, agent_name, message, run_ids, notification, notify_attempts, notified_at)
    select gen_random_uuid(), current_tenant(), b.rule_id, '${type}', b.name, ${message},
      coalesce((select array_agg(c.id order by c.at desc) from (
        select c.id, c.at from (${runs}) c order by c.at desc limit ${causes}) c), '{}'),
      n.status, coalesce((n.status = 'delivered')::int, 0), case n.status when 'delivered' then now() end
    from begun b cross join lateral (select
      case when b.notify_channel ~* '^https?:' then 'pending' when b.notify_channel is not null then 'delivered' end as status) n
    on conflict do nothing returning *
  )
  select e.id, 'fired' as what, e.rule_id as "ruleId", e.agent_name as "agentName", b.agent_id as "agentId", e.message,
    e.run_ids as "runIds", b.measured, b.threshold, b.notify_channel as channel
  from fired e join breaching b on b.rule_id = e.rule_id and b.name = e.agent_name
  union all
  select e.id, 'ended', e.rule_id, e.agent_name, null, e.message, e.run_ids, null, null, null from ended e`;

const statements = Object.entries(conditions).map(([type, c]) => ({
  type: type as RuleType,
  name: `evaluate ${type}`,
  text: statement(type as RuleType, c),
}));

/** An episode that began or ended with an evaluation. */
export interface Episode {
  id: string;
  what: 'fired' | 'ended';
  ruleType: RuleType;
  ruleId: string;
  agentName: string;
  /** Of a registered agent, when it fired. */
  agentId: string | null;
  message: string;
  runIds: string[];
  measured: number | null;
  threshold: number | null;
  channel: string | null;
}

/**
 * Holds the tenant's rules against its agents, or those of them that are named, as they stand at this moment: the database's.
 * Two evaluations of a tenant come one after the other, so that the second sees what the first found. `more`: one of the
 * statements found as many as it may, so there may be others.
 */
export async function evaluate(
  tx: Read,
  agents: readonly string[] | null,
): Promise<{ episodes: Episode[]; more: boolean }> {
  await tx.query(`select pg_advisory_xact_lock(hashtextextended('alerts:' || $1, 0))`, [tx.tenantId]);
  const found: Episode[] = [];
  let more = false;
  for (const { type, name, text } of statements) {
    const { rows } = await tx.query<Omit<Episode, 'ruleType'>>(text, [agents], name);
    found.push(...rows.map((row) => ({ ...row, ruleType: type })));
    more ||= ['fired', 'ended'].some((what) => rows.filter((row) => row.what === what).length >= most);
  }
  return { episodes: found, more };
}

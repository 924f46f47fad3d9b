-- What agents report: runs that happened elsewhere, and how those and our own went.

-- A run that somebody else carried out, as it was reported. `eve_id` is its id there.
create table reported_runs (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  eve_id text,
  -- A name, not a reference: who reports may come before who registers.
  agent_name text not null,
  task_type text,
  status text not null,
  model text,
  duration_ms bigint,
  output_summary text,
  error_message text,
  started_at timestamptz,
  completed_at timestamptz,
  -- Its place in lists, and the day that it counts for: when it began, as the first report knew.
  listed_at timestamptz not null,
  version int not null
);
create unique index reported_runs_eve on reported_runs (tenant_id, eve_id) where eve_id is not null;
select isolate('reported_runs', 'select, insert, update');

-- What our own runs are in the words of that list. Stopped by people is no failure.
create function run_outcome(status text) returns text language sql immutable parallel safe
  return case status when 'finished' then 'completed' when 'failed' then 'failed' when 'stopped' then 'skipped'
    when 'terminated' then 'skipped' else 'started' end;
alter table runs add column outcome text not null generated always as (run_outcome(status)) stored;

-- Lists of both are read in one order, each status by itself (db/fleet-runs.ts): with an agent and without.
create index runs_outcome on runs (tenant_id, outcome, created_at desc, id desc);
create index runs_agent_outcome on runs (tenant_id, agent_id, outcome, created_at desc, id desc);
create index reported_runs_status on reported_runs (tenant_id, status, listed_at desc, id desc);
create index reported_runs_agent on reported_runs (tenant_id, agent_name, status, listed_at desc, id desc);
-- How an agent's runs ended, in the order in which they did.
create index runs_ended on runs (tenant_id, agent_id, outcome, finished_at) where outcome in ('completed', 'failed');
create index reported_runs_ended on reported_runs (tenant_id, agent_name, status, completed_at)
  where status in ('completed', 'failed');

-- Runs of both kinds by the day on which they began and by how they stand, with how long they took: for the dashboard.
-- A cell is the sum of its rows, as in 000008.
create table run_tallies (
  id bigint generated always as identity primary key,
  tenant_id uuid not null references tenants,
  day date not null,
  status text not null,
  n int not null,
  timed int not null,
  duration_ms bigint not null
);
create index run_tallies_cell on run_tallies (tenant_id, day, status);
select isolate('run_tallies', 'select, insert, update');

create function tally_run(tenant uuid, began timestamptz, of_status text, took bigint, change int) returns void
  language plpgsql as $$
declare
  of_day constant date := (began at time zone 'utc')::date;
begin
  update run_tallies set n = n + change, timed = timed + case when took is null then 0 else change end,
      duration_ms = duration_ms + change * coalesce(took, 0)
    where id = (
      select c.id from run_tallies c where c.tenant_id = tenant and c.day = of_day and c.status = of_status
      limit 1 for update skip locked);
  if not found then
    insert into run_tallies (tenant_id, day, status, n, timed, duration_ms) values
      (tenant, of_day, of_status, change, case when took is null then 0 else change end, change * coalesce(took, 0));
  end if;
end $$;

create function milliseconds(began timestamptz, ended timestamptz) returns bigint language sql immutable parallel safe
  return case when ended < began then 0 else floor(extract(epoch from ended - began) * 1000) end::bigint;

create function tally_runs() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' then
    perform tally_run(old.tenant_id, old.created_at, old.outcome, milliseconds(old.started_at, old.finished_at), -1);
  end if;
  perform tally_run(new.tenant_id, new.created_at, new.outcome, milliseconds(new.started_at, new.finished_at), 1);
  return null;
end $$;
create trigger tally after insert on runs for each row execute function tally_runs();
create trigger tally_moved after update on runs for each row
  when ((old.outcome, old.finished_at) is distinct from (new.outcome, new.finished_at)) execute function tally_runs();

create function tally_reported_runs() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' then perform tally_run(old.tenant_id, old.listed_at, old.status, old.duration_ms, -1); end if;
  perform tally_run(new.tenant_id, new.listed_at, new.status, new.duration_ms, 1);
  return null;
end $$;
create trigger tally after insert on reported_runs for each row execute function tally_reported_runs();
create trigger tally_moved after update on reported_runs for each row
  when ((old.status, old.duration_ms) is distinct from (new.status, new.duration_ms))
  execute function tally_reported_runs();

-- How many of an agent's runs failed after a moment, of either kind.
create function failures_after(tenant uuid, of_agent uuid, of_name text, moment timestamptz) returns int
  language sql stable
  return (select count(*) from runs r where r.tenant_id = tenant and r.agent_id = of_agent and r.outcome = 'failed'
      and r.finished_at > moment)
    + (select count(*) from reported_runs r where r.tenant_id = tenant and r.agent_name = of_name and r.status = 'failed'
      and r.completed_at > moment);

-- Who reports how a run of an agent ended, and who registers that agent: one at a time, so that neither misses the other.
create function lock_statistics(tenant uuid, of_name text) returns void language sql
  as $$ select pg_advisory_xact_lock(hashtextextended('agent statistics:' || tenant::text || ':' || of_name, 0)) $$;

-- One run more of an agent has ended. What follows from it depends on when the runs ended, never on who says so first: a
-- failure counts while no success ended with it or after it, and a success leaves those that failed after it. Usually those
-- are none.
create function ended_run(of_agent uuid, how text, ended timestamptz) returns void language plpgsql as $$
declare
  a record;
begin
  select tenant_id, name, last_success_at into a from agents where id = of_agent for no key update;
  if how = 'failed' then
    update agents set last_run_at = greatest(last_run_at, ended), last_failure_at = greatest(last_failure_at, ended),
        consecutive_failures = consecutive_failures + (a.last_success_at is null or ended > a.last_success_at)::int
      where id = of_agent;
  elsif a.last_success_at is null or ended > a.last_success_at then
    update agents set last_run_at = greatest(last_run_at, ended), last_success_at = ended,
        consecutive_failures = failures_after(a.tenant_id, of_agent, a.name, ended)
      where id = of_agent;
  end if;
end $$;

create function ended_own_run() returns trigger language plpgsql as $$
begin
  perform ended_run(new.agent_id, new.outcome, new.finished_at);
  return null;
end $$;
create trigger ended after update on runs for each row
  when (old.outcome = 'started' and new.outcome in ('completed', 'failed')) execute function ended_own_run();

create function ended_reported_run() returns trigger language plpgsql as $$
declare
  of_agent uuid;
begin
  perform lock_statistics(new.tenant_id, new.agent_name);
  select id into of_agent from agents where tenant_id = new.tenant_id and name = new.agent_name and deleted_at is null;
  if found then perform ended_run(of_agent, new.status, new.completed_at); end if;
  return null;
end $$;
create trigger ended after insert on reported_runs for each row
  when (new.status in ('completed', 'failed')) execute function ended_reported_run();
create trigger ended_later after update on reported_runs for each row
  when (old.status = 'started' and new.status in ('completed', 'failed')) execute function ended_reported_run();

-- An agent that is registered after it has reported begins with what is known of it.
create function known_runs() returns trigger language plpgsql as $$
begin
  perform lock_statistics(new.tenant_id, new.name);
  select max(r.completed_at) filter (where r.status = 'completed'), max(r.completed_at) filter (where r.status = 'failed')
    into new.last_success_at, new.last_failure_at
    from (values ('completed'), ('failed')) s (status) cross join lateral (
      select x.status, x.completed_at from reported_runs x
      where x.tenant_id = new.tenant_id and x.agent_name = new.name and x.status = s.status
      order by x.completed_at desc limit 1) r;
  new.last_run_at := greatest(new.last_success_at, new.last_failure_at);
  new.consecutive_failures :=
    failures_after(new.tenant_id, new.id, new.name, coalesce(new.last_success_at, '-infinity'));
  return new;
end $$;
create trigger known_runs before insert on agents for each row execute function known_runs();

-- What the dashboard shows first, and what it counts (db/dashboard.ts).
create index agents_trouble on agents (tenant_id, consecutive_failures desc, last_run_at desc nulls last, number)
  where deleted_at is null;
create index agents_status on agents (tenant_id, status) where deleted_at is null;
create index agent_signals_newest on agent_signals (tenant_id, created_at desc, id desc) where status = 'pending';

-- Both of what came past the triggers: now, and after a restore without them. For a role that row-level security does not bind.
create function tally_runs_afresh() returns void language plpgsql as $$
begin
  lock table runs, reported_runs, agents in share row exclusive mode;
  delete from run_tallies;
  insert into run_tallies (tenant_id, day, status, n, timed, duration_ms)
    select tenant_id, (began at time zone 'utc')::date, status, count(*), count(took), coalesce(sum(took), 0)
    from (select tenant_id, created_at as began, outcome as status, milliseconds(started_at, finished_at) as took from runs
      union all select tenant_id, listed_at, status, duration_ms from reported_runs) both_kinds group by 1, 2, 3;
  with ended as (
    select r.agent_id, r.outcome as status, r.finished_at as at from runs r where r.outcome in ('completed', 'failed')
    union all
    select a.id, r.status, r.completed_at from reported_runs r
      join agents a on a.tenant_id = r.tenant_id and a.name = r.agent_name and a.deleted_at is null where r.status in ('completed', 'failed')
  ), last as (
    select agent_id, max(at) as run, max(at) filter (where status = 'completed') as success,
      max(at) filter (where status = 'failed') as failure from ended group by 1
  ), known as (
    select l.agent_id, l.run, l.success, l.failure,
      count(*) filter (where e.status = 'failed' and e.at > coalesce(l.success, '-infinity')) as failures
    from last l join ended e on e.agent_id = l.agent_id group by 1, 2, 3, 4
  )
  update agents a set last_run_at = k.run, last_success_at = k.success, last_failure_at = k.failure,
      consecutive_failures = k.failures from known k where a.id = k.agent_id;
end $$;
revoke execute on function tally_runs_afresh() from public;
select tally_runs_afresh();

-- What agents measured, called and delivered; kept for so many days (activities/integrations/expire.ts). One kind is like
-- the other: an agent, what it is about, and when it was; read newest first, all of it or by those.
create table agent_metrics (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  agent_name text not null,
  metric text not null,
  value double precision not null,
  recorded_at timestamptz not null
);
create index agent_metrics_list on agent_metrics (tenant_id, recorded_at desc, id desc);
create index agent_metrics_agent on agent_metrics (tenant_id, agent_name, recorded_at desc, id desc);
create index agent_metrics_metric on agent_metrics (tenant_id, metric, recorded_at desc, id desc);
create index agent_metrics_both on agent_metrics (tenant_id, agent_name, metric, recorded_at desc, id desc);
select isolate('agent_metrics', 'select, insert, delete');

create table tool_calls (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  agent_name text not null,
  -- As the reporter knows the run: a uuid or an eve_id.
  run_id text,
  tool text not null,
  status text not null,
  input json,
  output json,
  duration_ms bigint,
  created_at timestamptz not null
);
create index tool_calls_list on tool_calls (tenant_id, created_at desc, id desc);
create index tool_calls_agent on tool_calls (tenant_id, agent_name, created_at desc, id desc);
create index tool_calls_tool on tool_calls (tenant_id, tool, created_at desc, id desc);
create index tool_calls_both on tool_calls (tenant_id, agent_name, tool, created_at desc, id desc);
create index tool_calls_run on tool_calls (tenant_id, run_id, created_at desc, id desc) where run_id is not null;
select isolate('tool_calls', 'select, insert, delete');

create table report_runs (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  agent_name text not null,
  report_type text not null,
  status text not null,
  period text,
  summary text,
  created_at timestamptz not null
);
create index report_runs_list on report_runs (tenant_id, created_at desc, id desc);
create index report_runs_agent on report_runs (tenant_id, agent_name, created_at desc, id desc);
create index report_runs_type on report_runs (tenant_id, report_type, created_at desc, id desc);
create index report_runs_both on report_runs (tenant_id, agent_name, report_type, created_at desc, id desc);
select isolate('report_runs', 'select, insert, delete');

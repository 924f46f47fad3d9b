-- What ends by itself: signals whose time is over, and reported runs that are older than they are kept. What is counted of
-- both stays right.

-- A signal whose time is over is ended by the sweep, with an entry. Until then its row is pending, and the clock decides.
alter table agent_signals
  drop constraint agent_signals_status_check,
  add constraint agent_signals_status_check check (status in ('pending', 'actioned', 'expired'));
create index agent_signals_due on agent_signals (tenant_id, expires_at) where status = 'pending' and expires_at is not null;

-- How many signals are pending: the sum of the tenant's rows, as in 000008.
create table signal_tallies (
  id bigint generated always as identity primary key,
  tenant_id uuid not null references tenants,
  n int not null
);
create index signal_tallies_tenant on signal_tallies (tenant_id);
select isolate('signal_tallies', 'select, insert, update');

create function tally_signals() returns trigger language plpgsql as $$
declare
  change constant int := case when tg_op = 'INSERT' then 1 else -1 end;
begin
  update signal_tallies set n = n + change
    where id = (select c.id from signal_tallies c where c.tenant_id = new.tenant_id limit 1 for update skip locked);
  if not found then insert into signal_tallies (tenant_id, n) values (new.tenant_id, change); end if;
  return null;
end $$;
create trigger tally after insert on agent_signals for each row when (new.status = 'pending') execute function tally_signals();
create trigger tally_moved after update on agent_signals for each row
  when (old.status = 'pending' and new.status <> 'pending') execute function tally_signals();

create function tally_signals_afresh() returns void language plpgsql as $$
begin
  lock table agent_signals in share row exclusive mode;
  delete from signal_tallies;
  insert into signal_tallies (tenant_id, n)
    select tenant_id, count(*) from agent_signals where status = 'pending' group by 1;
end $$;
revoke execute on function tally_signals_afresh() from public;
select tally_signals_afresh();

-- A reported run is kept for so many days after its end; one that nobody has ended, after it began.
create index reported_runs_age on reported_runs (tenant_id, (coalesce(completed_at, listed_at)), id);
grant delete on reported_runs to wheelhouse_app;

-- What statistics still need of the runs that are gone, of a name: the newest that was completed and the newest that failed;
-- and how many failed after the last success that was known as they went.
create table gone_runs (
  tenant_id uuid not null references tenants,
  agent_name text not null,
  success_at timestamptz,
  failure_at timestamptz,
  failures int not null,
  primary key (tenant_id, agent_name)
);
select isolate('gone_runs', 'select, insert, update');

create function forget_reported_runs() returns trigger language plpgsql as $$
begin
  -- Nobody counts what ends meanwhile with half of this.
  perform lock_statistics(g.tenant_id, g.agent_name) from (select distinct tenant_id, agent_name from gone order by 1, 2) g;
  perform tally_runs_gone(g.tenant_id, g.day, g.status, g.n, g.timed, g.took) from (
    select tenant_id, (listed_at at time zone 'utc')::date as day, status, count(*)::int as n, count(duration_ms)::int as timed,
      coalesce(sum(duration_ms), 0)::bigint as took from gone group by 1, 2, 3) g;
  insert into gone_runs as k (tenant_id, agent_name, success_at, failure_at, failures)
    select g.tenant_id, g.agent_name, since.reported, greatest(h.failure_at, g.failure_at),
      case when h.failure_at > coalesce(since.at, '-infinity') then h.failures else 0 end + (
        select count(*) from gone f where f.tenant_id = g.tenant_id and f.agent_name = g.agent_name and f.status = 'failed'
          and f.completed_at > coalesce(since.at, '-infinity'))
    from (
      select tenant_id, agent_name, max(completed_at) filter (where status = 'completed') as success_at,
        max(completed_at) filter (where status = 'failed') as failure_at
      from gone where status in ('completed', 'failed') group by 1, 2) g
    left join gone_runs h on h.tenant_id = g.tenant_id and h.agent_name = g.agent_name
    left join agents a on a.tenant_id = g.tenant_id and a.name = g.agent_name and a.deleted_at is null
    cross join lateral (select greatest(h.success_at, g.success_at) as reported,
      greatest(h.success_at, g.success_at, a.last_success_at) as at) since
    on conflict (tenant_id, agent_name) do update
      set success_at = excluded.success_at, failure_at = excluded.failure_at, failures = excluded.failures;
  return null;
end $$;

-- A day's cell is made smaller; one that nobody holds.
create function tally_runs_gone(tenant uuid, of_day date, of_status text, runs int, of_timed int, took bigint) returns void
  language plpgsql as $$
begin
  update run_tallies set n = n - runs, timed = timed - of_timed, duration_ms = duration_ms - took where id = (
    select c.id from run_tallies c where c.tenant_id = tenant and c.day = of_day and c.status = of_status
    limit 1 for update skip locked);
  if not found then
    insert into run_tallies (tenant_id, day, status, n, timed, duration_ms)
      values (tenant, of_day, of_status, -runs, -of_timed, -took);
  end if;
end $$;
create trigger forgotten after delete on reported_runs referencing old table as gone
  for each statement execute function forget_reported_runs();

-- As in 000020, with those that are gone. Of a moment before the newest of them nobody knows better than that all count.
create or replace function failures_after(tenant uuid, of_agent uuid, of_name text, moment timestamptz) returns int
  language sql stable
  return (select count(*) from runs r where r.tenant_id = tenant and r.agent_id = of_agent and r.outcome = 'failed'
      and r.finished_at > moment)
    + (select count(*) from reported_runs r where r.tenant_id = tenant and r.agent_name = of_name and r.status = 'failed'
      and r.completed_at > moment)
    + coalesce((select g.failures from gone_runs g where g.tenant_id = tenant and g.agent_name = of_name
      and g.failure_at > moment), 0);

create or replace function known_runs() returns trigger language plpgsql as $$
begin
  perform lock_statistics(new.tenant_id, new.name);
  select max(r.at) filter (where r.status = 'completed'), max(r.at) filter (where r.status = 'failed')
    into new.last_success_at, new.last_failure_at
    from (
      select s.status, r.at from (values ('completed'), ('failed')) s (status) cross join lateral (
        select x.completed_at as at from reported_runs x
        where x.tenant_id = new.tenant_id and x.agent_name = new.name and x.status = s.status
        order by x.completed_at desc limit 1) r
      union all
      select s.status, s.at from gone_runs g cross join lateral (values ('completed', g.success_at), ('failed', g.failure_at)) s (status, at)
      where g.tenant_id = new.tenant_id and g.agent_name = new.name) r;
  new.last_run_at := greatest(new.last_success_at, new.last_failure_at);
  new.consecutive_failures :=
    failures_after(new.tenant_id, new.id, new.name, coalesce(new.last_success_at, '-infinity'));
  return new;
end $$;

create or replace function tally_runs_afresh() returns void language plpgsql as $$
begin
  lock table runs, reported_runs, agents in share row exclusive mode;
  delete from run_tallies;
  insert into run_tallies (tenant_id, day, status, n, timed, duration_ms)
    select tenant_id, (began at time zone 'utc')::date, status, count(*), count(took), coalesce(sum(took), 0)
    from (select tenant_id, created_at as began, outcome as status, milliseconds(started_at, finished_at) as took from runs
      union all select tenant_id, listed_at, status, duration_ms from reported_runs) both_kinds group by 1, 2, 3;
  with ended as (
    select r.agent_id, r.outcome as status, r.finished_at as at, 1 as n from runs r where r.outcome in ('completed', 'failed')
    union all
    select a.id, r.status, r.completed_at, 1 from reported_runs r
      join agents a on a.tenant_id = r.tenant_id and a.name = r.agent_name and a.deleted_at is null where r.status in ('completed', 'failed')
    union all
    select a.id, s.status, s.at, s.n from gone_runs g
      join agents a on a.tenant_id = g.tenant_id and a.name = g.agent_name and a.deleted_at is null
      cross join lateral (values ('completed', g.success_at, 1), ('failed', g.failure_at, g.failures)) s (status, at, n)
      where s.at is not null
  ), last as (
    select agent_id, max(at) as run, max(at) filter (where status = 'completed') as success,
      max(at) filter (where status = 'failed') as failure from ended group by 1
  ), known as (
    select l.agent_id, l.run, l.success, l.failure,
      coalesce(sum(e.n) filter (where e.status = 'failed' and e.at > coalesce(l.success, '-infinity')), 0) as failures
    from last l join ended e on e.agent_id = l.agent_id group by 1, 2, 3, 4
  )
  update agents a set last_run_at = k.run, last_success_at = k.success, last_failure_at = k.failure,
      consecutive_failures = k.failures from known k where a.id = k.agent_id;
end $$;

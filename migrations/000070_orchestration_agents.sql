-- Agents as the orchestration door has them: the same rows, with what is said and counted of them there; and how runs ended,
-- in cells of five minutes, for its metrics.

alter table agents
  -- What it is asked for at that door, as in data_processor; null: its agent_type.
  add work_type text,
  add environment text not null default 'production' check (environment in ('production', 'staging', 'development')),
  -- Null: registered there, and no worker has looked at it yet.
  add initialized_at timestamptz default now(),
  -- Since when its status is ACTIVE without a break; null: it is not.
  add active_since timestamptz,
  -- Of its own runs that have ended: how many, and how long those with a beginning took together.
  add runs_completed int not null default 0,
  add runs_failed int not null default 0,
  add runs_timed int not null default 0,
  add runs_ms bigint not null default 0;

update agents a set initialized_at = a.created_at, active_since = case when a.status = 'ACTIVE' then a.updated_at end,
    runs_completed = coalesce(r.completed, 0), runs_failed = coalesce(r.failed, 0), runs_timed = coalesce(r.timed, 0),
    runs_ms = coalesce(r.ms, 0)
  from agents b left join (
    select agent_id, count(*) filter (where outcome = 'completed') as completed, count(*) filter (where outcome = 'failed') as failed,
      count(milliseconds(started_at, finished_at)) as timed, sum(milliseconds(started_at, finished_at)) as ms
    from runs where outcome in ('completed', 'failed') group by 1) r on r.agent_id = b.id
  where b.id = a.id;

create index agents_work_type on agents (tenant_id, (coalesce(work_type, agent_type))) where deleted_at is null;

create function agent_active_since() returns trigger language plpgsql as $$
begin
  new.active_since := case when new.status = 'ACTIVE' then now() end;
  return new;
end $$;
create trigger active_first before insert on agents for each row execute function agent_active_since();
create trigger active_since before update on agents for each row
  when (old.status is distinct from new.status) execute function agent_active_since();

-- As in 000020, which holds the agent's row here already.
create or replace function ended_own_run() returns trigger language plpgsql as $$
declare
  took constant bigint := milliseconds(new.started_at, new.finished_at);
begin
  perform ended_run(new.agent_id, new.outcome, new.finished_at);
  update agents set runs_completed = runs_completed + (new.outcome = 'completed')::int,
      runs_failed = runs_failed + (new.outcome = 'failed')::int, runs_timed = runs_timed + (took is not null)::int,
      runs_ms = runs_ms + coalesce(took, 0)
    where id = new.agent_id;
  return null;
end $$;

-- Own runs by the five minutes in which they ended and by how. A cell is the sum of its rows, as in 000008.
create table run_pace (
  id bigint generated always as identity primary key,
  tenant_id uuid not null references tenants,
  at timestamptz not null,
  outcome text not null,
  n int not null,
  timed int not null,
  duration_ms bigint not null
);
create index run_pace_cell on run_pace (tenant_id, at, outcome);
select isolate('run_pace', 'select, insert, update');

create function pace_cell(moment timestamptz) returns timestamptz language sql immutable parallel safe
  return date_bin('5 minutes', moment, timestamptz '2000-01-01T00:00:00Z');

create function pace_run(tenant uuid, ended timestamptz, how text, took bigint, change int) returns void
  language plpgsql as $$
declare
  cell constant timestamptz := pace_cell(ended);
begin
  update run_pace set n = n + change, timed = timed + case when took is null then 0 else change end,
      duration_ms = duration_ms + change * coalesce(took, 0)
    where id = (
      select c.id from run_pace c where c.tenant_id = tenant and c.at = cell and c.outcome = how limit 1 for update skip locked);
  if not found then
    insert into run_pace (tenant_id, at, outcome, n, timed, duration_ms) values
      (tenant, cell, how, change, case when took is null then 0 else change end, change * coalesce(took, 0));
  end if;
end $$;

create function pace_runs() returns trigger language plpgsql as $$
begin
  -- An end without a time belongs to no five minutes.
  if old.outcome <> 'started' and old.finished_at is not null then
    perform pace_run(old.tenant_id, old.finished_at, old.outcome, milliseconds(old.started_at, old.finished_at), -1);
  end if;
  if new.outcome <> 'started' and new.finished_at is not null then
    perform pace_run(new.tenant_id, new.finished_at, new.outcome, milliseconds(new.started_at, new.finished_at), 1);
  end if;
  return null;
end $$;
create trigger pace after update on runs for each row
  when ((old.outcome, old.finished_at) is distinct from (new.outcome, new.finished_at)) execute function pace_runs();

insert into run_pace (tenant_id, at, outcome, n, timed, duration_ms)
  select tenant_id, pace_cell(finished_at), outcome, count(*), count(took), coalesce(sum(took), 0)
  from (select tenant_id, finished_at, outcome, milliseconds(started_at, finished_at) as took from runs where outcome <> 'started') r
  where finished_at is not null group by 1, 2, 3;

-- Work of runs whose agents are elsewhere: one row an offer. A run has one at a time that is not over.
create table remote_tasks (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  run_id uuid not null references runs,
  -- From 1, of its run: what waited for people is offered again.
  offer int not null,
  -- Whose turn comes first: the lower.
  rank int not null,
  -- `name=value`, in lower case: what whoever asks for work may ask for.
  labels text[] not null,
  -- What its agent is told of it.
  brief jsonb not null,
  offered_at timestamptz not null default clock_timestamp(),
  -- Grows with each claim, over all offers of the run: whoever shows a lower one holds it no more.
  token int not null,
  -- Who holds it; null while nobody does.
  holder jsonb,
  worker text,
  -- The request that took it: the same again is told the same.
  claim_id uuid,
  key_id uuid,
  claimed_at timestamptz,
  lease_seconds int,
  lease_until timestamptz,
  -- As long as it may be worked on, and was by those who lost it; null: without a limit.
  limit_ms bigint,
  worked_ms bigint not null default 0,
  ended_at timestamptz,
  -- How its run goes on: written with its end, so that whoever asks again hears the same.
  outcome jsonb,
  unique (run_id, offer)
);
create unique index remote_tasks_live on remote_tasks (run_id) where ended_at is null;
create index remote_tasks_open on remote_tasks (tenant_id, rank, offered_at) where ended_at is null;
create index remote_tasks_leased on remote_tasks (tenant_id, lease_until) where ended_at is null and lease_until is not null;
select isolate('remote_tasks', 'select, insert, update');

-- Who asks for such work, as they were last heard of. One that says nothing for a day is forgotten.
create table remote_workers (
  tenant_id uuid not null references tenants,
  principal_id uuid not null,
  worker text not null,
  -- The principal's.
  name text not null,
  labels text[] not null,
  seen_at timestamptz not null default clock_timestamp(),
  -- It waits until then, unless it went away.
  waits_until timestamptz,
  claimed_at timestamptz,
  primary key (tenant_id, principal_id, worker)
);
select isolate('remote_workers', 'select, insert, update, delete');

-- The tenants in which a lease has run out, each looked at with its own eyes, as in tenants_behind.
create function tenants_with_lapsed() returns setof uuid language plpgsql as $$
declare
  tenant uuid;
begin
  for tenant in select id from tenants order by id loop
    perform set_config('app.tenant', tenant::text, true);
    if exists (select from remote_tasks t where t.tenant_id = tenant and t.ended_at is null and t.lease_until <= clock_timestamp()) then
      return next tenant;
    end if;
  end loop;
  perform set_config('app.tenant', '', true);
end $$;
-- The tenants in which an agent that works was not heard of for so long, each looked at with its own eyes, as in tenants_behind.
create function tenants_with_stalled(working text[], silence interval) returns setof uuid language plpgsql as $$
declare
  tenant uuid;
begin
  for tenant in select id from tenants order by id loop
    perform set_config('app.tenant', tenant::text, true);
    if exists (select from runs r where r.tenant_id = tenant and r.outcome = 'started' and r.status = any(working)
        and r.heartbeat < now() - silence) then
      return next tenant;
    end if;
  end loop;
  perform set_config('app.tenant', '', true);
end $$;

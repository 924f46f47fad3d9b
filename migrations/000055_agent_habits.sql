-- What an agent usually does (docs/screening.md): carried-out calls by tool and hour of the day (UTC), kept with each entry of
-- the ledger, so that a call is compared with some dozen cells however long the agent has been at work. Tool '' is all of them.
create table agent_habits (
  tenant_id uuid not null references tenants,
  agent_id uuid not null,
  tool text not null,
  hour smallint not null,
  n bigint not null,
  times bigint not null, -- hours of the calendar with such calls
  last_hour timestamptz not null,
  last_n bigint not null, -- in the last of them
  first_at timestamptz not null,
  primary key (tenant_id, agent_id, tool, hour)
);
select isolate('agent_habits', 'select, insert, update');

-- What an agent did last.
create index executions_agent on executions (tenant_id, agent_id, started_at desc);

create function learn_habits() returns trigger language plpgsql as $$
begin
  insert into agent_habits as t (tenant_id, agent_id, tool, hour, n, times, last_hour, last_n, first_at)
    select tenant_id, agent_id, tool, extract(hour from slot at time zone 'utc'), sum(n), count(*), max(slot),
      (array_agg(n order by slot desc))[1], min(first_at)
    from (
      select tenant_id, agent_id, coalesce(tool, '') as tool, date_trunc('hour', started_at, 'utc') as slot, count(*) as n,
        min(started_at) as first_at
      from fresh where agent_id is not null and decision in ('allow', 'monitor')
      group by grouping sets ((tenant_id, agent_id, tool, date_trunc('hour', started_at, 'utc')),
        (tenant_id, agent_id, date_trunc('hour', started_at, 'utc')))
    ) slots
    -- Always in this order: two that learn of the same agents wait for each other, and never both.
    group by 1, 2, 3, 4 order by 1, 2, 3, 4
  on conflict (tenant_id, agent_id, tool, hour) do update set
    n = t.n + excluded.n,
    times = t.times + excluded.times - (excluded.last_hour = t.last_hour)::int,
    last_n = case when excluded.last_hour = t.last_hour then t.last_n + excluded.last_n
      when excluded.last_hour > t.last_hour then excluded.last_n else t.last_n end,
    last_hour = greatest(t.last_hour, excluded.last_hour),
    first_at = least(t.first_at, excluded.first_at);
  return null;
end $$;
create trigger executions_habits after insert on executions referencing new table as fresh
  for each statement execute function learn_habits();

-- Agents that are kept from everything by themselves, for a day (docs/screening.md), and habits that no call waits for.

alter table agents
  -- Of what began by itself: when it is over, and how the agent stood before: {status, restriction, because}.
  add column restricted_until timestamptz,
  add column before_quarantine jsonb,
  -- Refusals from before do not count any more.
  add column quarantine_ended_at timestamptz,
  add constraint agents_quarantine_ends check (restricted_until is null or (restriction = 'QUARANTINED' and before_quarantine is not null));

-- Refused for data about many people at once: three of them are enough.
create index executions_bulk on executions (tenant_id, agent_id, started_at)
  where decision in ('deny', 'kill') and findings && '{bulk_pii_egress_dump,bulk_pii_egress_above_threshold}'::text[];

-- The tenants in which a quarantine is over, each looked at with its own eyes, as in tenants_behind.
create function tenants_with_quarantine_over() returns setof uuid language plpgsql as $$
declare
  tenant uuid;
begin
  for tenant in select id from tenants order by id loop
    perform set_config('app.tenant', tenant::text, true);
    if exists (select from agents a where a.tenant_id = tenant and a.restricted_until <= now()) then
      return next tenant;
    end if;
  end loop;
  perform set_config('app.tenant', '', true);
end $$;
create index agents_restricted on agents (tenant_id, restricted_until) where restricted_until is not null;

-- The cell of an agent was a row that each of its calls changed and held while it committed: calls of one agent came one after
-- the other. From here on the cells follow the log, as the other tallies do, a moment behind it.
drop trigger executions_habits on executions;
drop function learn_habits();

-- Takes the next entries of the tenant's log into the habits, `most` of them; gives how many that were. Another at it: none.
create function learn_habits(most bigint) returns bigint language plpgsql as $$
#variable_conflict use_column
declare
  tenant constant uuid := current_tenant();
  done bigint;
  upto bigint;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('cursor:habits:' || tenant::text, 0)) then return 0; end if;
  done := coalesce((select c.seq from cursors c where c.tenant_id = tenant and c.reader = 'habits'), 0);
  select l.seq into upto from log l where l.tenant_id = tenant order by l.seq desc limit 1;
  upto := least(upto, done + most);
  if upto is null or upto <= done then return 0; end if;
  insert into agent_habits as t (tenant_id, agent_id, tool, hour, n, times, last_hour, last_n, first_at)
    select tenant, agent_id, tool, extract(hour from slot at time zone 'utc'), sum(n), count(*), max(slot),
      (array_agg(n order by slot desc))[1], min(first_at)
    from (
      select l.agent_id, coalesce(l.tool, '') as tool, date_trunc('hour', l.at, 'utc') as slot, count(*) as n, min(l.at) as first_at
      from log l where l.tenant_id = tenant and l.seq > done and l.seq <= upto and l.kind in ('execution.allow', 'execution.monitor')
        and l.agent_id is not null and l.tool is not null
      group by grouping sets ((l.agent_id, l.tool, date_trunc('hour', l.at, 'utc')), (l.agent_id, date_trunc('hour', l.at, 'utc')))
    ) slots
    group by 2, 3, 4
  on conflict (tenant_id, agent_id, tool, hour) do update set
    n = t.n + excluded.n,
    times = t.times + excluded.times - (excluded.last_hour = t.last_hour)::int,
    last_n = case when excluded.last_hour = t.last_hour then t.last_n + excluded.last_n
      when excluded.last_hour > t.last_hour then excluded.last_n else t.last_n end,
    last_hour = greatest(t.last_hour, excluded.last_hour),
    first_at = least(t.first_at, excluded.first_at);
  insert into cursors (tenant_id, reader, seq) values (tenant, 'habits', upto)
    on conflict (tenant_id, reader) do update set seq = excluded.seq;
  return upto - done;
end $$;
-- What the trigger has counted is not counted again: with it gone, nobody who wrote a call is still to commit.
insert into cursors (tenant_id, reader, seq)
  select t.id, 'habits', (select l.seq from log l where l.tenant_id = t.id order by l.seq desc limit 1)
  from tenants t where exists (select from log l where l.tenant_id = t.id);

-- Of tickets mostly all or those of one status are asked for: their totals have rows of their own, 32 of a million, so that
-- not every cell has to be read. `status` is empty where all are counted. Kept like the cells.
create table ticket_totals (
  id bigint generated always as identity primary key,
  tenant_id uuid not null references tenants,
  block int not null,
  status text not null,
  n int not null
);
create index ticket_totals_cell on ticket_totals (tenant_id, status, block);
select isolate('ticket_totals', 'select, insert, update');

create function total_ticket(t tickets, of_status text, change int) returns void language plpgsql as $$
begin
  update ticket_totals set n = n + change where id = (
    select c.id from ticket_totals c where c.tenant_id = t.tenant_id and c.block = t.number >> 15 and c.status = of_status
    limit 1 for update skip locked);
  if not found then
    insert into ticket_totals (tenant_id, block, status, n) values (t.tenant_id, t.number >> 15, of_status, change);
  end if;
end $$;

create or replace function tally_tickets() returns trigger language plpgsql as $$
begin
  if tg_op <> 'INSERT' then perform tally_ticket(old, -1); end if;
  if tg_op <> 'DELETE' then perform tally_ticket(new, 1); end if;
  if tg_op = 'INSERT' then perform total_ticket(new, '', 1); end if;
  if tg_op = 'DELETE' then perform total_ticket(old, '', -1); end if;
  if tg_op = 'UPDATE' and old.status = new.status then return null; end if;
  if tg_op <> 'INSERT' then perform total_ticket(old, old.status, -1); end if;
  if tg_op <> 'DELETE' then perform total_ticket(new, new.status, 1); end if;
  return null;
end $$;

create or replace function tally_afresh() returns void language plpgsql as $$
begin
  lock table tickets, gates in share row exclusive mode;
  delete from ticket_tallies;
  insert into ticket_tallies (tenant_id, block, status, priority, provider, assigned, n)
    select tenant_id, number >> 15, status, priority_rank(priority), provider, run_id is not null, count(*)
    from tickets group by 1, 2, 3, 4, 5, 6;
  delete from ticket_totals;
  insert into ticket_totals (tenant_id, block, status, n)
    select tenant_id, number >> 15, coalesce(status, ''), count(*) from tickets group by grouping sets ((1, 2, status), (1, 2)) order by 1, 3, 2;
  delete from gate_tallies;
  insert into gate_tallies (tenant_id, block, status, n)
    select tenant_id, number >> 15, status, count(*) from gates group by 1, 2, 3 order by 1, 3, 2;
end $$;
select tally_afresh();

-- Tallies of the log are read whole by one of their columns, and change at the log's end alone: the index has all that is read.
drop index log_tallies_action, log_tallies_decision, log_tallies_tool, log_tallies_agent;
create index log_tallies_action on log_tallies (tenant_id, action, block) include (n);
create index log_tallies_decision on log_tallies (tenant_id, decision, block) include (n);
create index log_tallies_tool on log_tallies (tenant_id, tool, block) include (n) where tool is not null;
create index log_tallies_agent on log_tallies (tenant_id, agent_id, action, block) include (n) where agent_id is not null;

-- What the context of a ticket is read by.
create index access_requests_child on access_requests (tenant_id, access_ticket_id);
create index steering_events_ticket on steering_events (tenant_id, ticket_id, number);
drop index gates_ticket;
create index gates_ticket on gates (tenant_id, ticket_id, number desc) where ticket_id is not null;

-- The log's tallies up to a multiple of 128: what is not in them is counted by every search.
create or replace function tally_log() returns bigint language plpgsql as $$
declare
  tenant constant uuid := current_tenant();
  done bigint;
  upto bigint;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('cursor:tallies:' || tenant::text, 0)) then return 0; end if;
  select c.seq into done from cursors c where c.tenant_id = tenant and c.reader = 'tallies';
  done := coalesce(done, 0);
  select l.seq - l.seq % 128 into upto from log l where l.tenant_id = tenant order by l.seq desc limit 1;
  if upto is null or upto <= done then return 0; end if;
  insert into log_tallies as t (tenant_id, block, agent_id, action, decision, tool, n)
    select l.tenant_id, l.seq >> 13, l.agent_id, log_action(l.kind), l.decision, l.tool, count(*)
    from log l where l.tenant_id = tenant and l.seq > done and l.seq <= upto group by 1, 2, 3, 4, 5, 6
    on conflict (tenant_id, block, action, decision, tool, agent_id) do update set n = t.n + excluded.n;
  insert into cursors (tenant_id, reader, seq) values (tenant, 'tallies', upto)
    on conflict (tenant_id, reader) do update set seq = excluded.seq;
  return upto - done;
end $$;

-- How far they are. Not as a subselect: under row-level security an index takes no comparison with one.
create function log_tallied() returns bigint language plpgsql stable parallel safe as $$
begin
  return coalesce((select c.seq from cursors c where c.tenant_id = current_tenant() and c.reader = 'tallies'), 0);
end $$;

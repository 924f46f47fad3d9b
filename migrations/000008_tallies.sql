-- Exact totals, and pages far from both ends, without counting or walking a million rows: how many rows there are, by block
-- of numbers and by what lists are filtered by. A block of tickets or gates is 32768 numbers, of the log 8192.

-- Writers never wait for each other here: each takes a row of its cell that nobody holds, or adds one. A cell is the sum
-- of its rows, and has no more of them than there were writers at once.
create table ticket_tallies (
  id bigint generated always as identity primary key,
  tenant_id uuid not null references tenants,
  block int not null,
  status text not null,
  priority int not null, -- 0: none
  provider text not null,
  assigned boolean not null,
  n int not null
);
create index ticket_tallies_cell on ticket_tallies (tenant_id, status, block, priority, provider, assigned);
select isolate('ticket_tallies', 'select, insert, update');

create table gate_tallies (
  id bigint generated always as identity primary key,
  tenant_id uuid not null references tenants,
  block int not null,
  status text not null,
  n int not null
);
create index gate_tallies_cell on gate_tallies (tenant_id, status, block);
select isolate('gate_tallies', 'select, insert, update');

create function priority_rank(priority text) returns int language sql immutable parallel safe
  return coalesce(substring(priority from '[1-4]')::int, 0);

create function tally_ticket(t tickets, change int) returns void language plpgsql as $$
begin
  update ticket_tallies set n = n + change where id = (
    select c.id from ticket_tallies c
    where c.tenant_id = t.tenant_id and c.block = t.number >> 15 and c.status = t.status
      and c.priority = priority_rank(t.priority) and c.provider = t.provider and c.assigned = (t.run_id is not null)
    limit 1 for update skip locked);
  if not found then
    insert into ticket_tallies (tenant_id, block, status, priority, provider, assigned, n)
    values (t.tenant_id, t.number >> 15, t.status, priority_rank(t.priority), t.provider, t.run_id is not null, change);
  end if;
end $$;

create function tally_gate(g gates, change int) returns void language plpgsql as $$
begin
  update gate_tallies set n = n + change where id = (
    select c.id from gate_tallies c where c.tenant_id = g.tenant_id and c.block = g.number >> 15 and c.status = g.status
    limit 1 for update skip locked);
  if not found then
    insert into gate_tallies (tenant_id, block, status, n) values (g.tenant_id, g.number >> 15, g.status, change);
  end if;
end $$;

create function tally_tickets() returns trigger language plpgsql as $$
begin
  if tg_op <> 'INSERT' then perform tally_ticket(old, -1); end if;
  if tg_op <> 'DELETE' then perform tally_ticket(new, 1); end if;
  return null;
end $$;
create trigger tally after insert or delete on tickets for each row execute function tally_tickets();
create trigger tally_moved after update on tickets for each row
  when ((old.status, old.priority, old.provider, old.run_id is null) is distinct from
    (new.status, new.priority, new.provider, new.run_id is null))
  execute function tally_tickets();

create function tally_gates() returns trigger language plpgsql as $$
begin
  if tg_op <> 'INSERT' then perform tally_gate(old, -1); end if;
  if tg_op <> 'DELETE' then perform tally_gate(new, 1); end if;
  return null;
end $$;
create trigger tally after insert or delete on gates for each row execute function tally_gates();
create trigger tally_moved after update on gates for each row
  when (old.status is distinct from new.status) execute function tally_gates();

-- The tallies of rows that came past the triggers: now, and after a restore without them. For a role that row-level
-- security does not bind.
create function tally_afresh() returns void language plpgsql as $$
begin
  lock table tickets, gates in share row exclusive mode;
  delete from ticket_tallies;
  insert into ticket_tallies (tenant_id, block, status, priority, provider, assigned, n)
    select tenant_id, number >> 15, status, priority_rank(priority), provider, run_id is not null, count(*)
    from tickets group by 1, 2, 3, 4, 5, 6;
  delete from gate_tallies;
  insert into gate_tallies (tenant_id, block, status, n)
    select tenant_id, number >> 15, status, count(*) from gates group by 1, 2, 3;
end $$;
revoke execute on function tally_afresh() from public;
select tally_afresh();

-- What an action is called at the audit door (log/chain.ts, actionOf).
create function log_action(kind text) returns text language sql immutable parallel safe
  return case when starts_with(kind, 'execution.') then 'execute_tool' else replace(kind, '.', '_') end;

-- The log only grows, so its tallies follow behind: those of entries up to the cursor `tallies` are here, the few after it
-- are counted when somebody asks. An append pays nothing.
create table log_tallies (
  tenant_id uuid not null references tenants,
  block int not null,
  agent_id uuid,
  action text not null,
  decision text not null,
  tool text,
  n int not null,
  unique nulls not distinct (tenant_id, block, action, decision, tool, agent_id)
);
create index log_tallies_action on log_tallies (tenant_id, action, block);
create index log_tallies_decision on log_tallies (tenant_id, decision, block);
create index log_tallies_tool on log_tallies (tenant_id, tool, block) where tool is not null;
create index log_tallies_agent on log_tallies (tenant_id, agent_id, block) where agent_id is not null;
select isolate('log_tallies', 'select, insert, update');

-- Brings the tallies of the tenant up to a multiple of 1024; gives how many entries that were. Another at it: none.
create function tally_log() returns bigint language plpgsql as $$
declare
  tenant constant uuid := current_tenant();
  done bigint;
  upto bigint;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('cursor:tallies:' || tenant::text, 0)) then return 0; end if;
  select c.seq into done from cursors c where c.tenant_id = tenant and c.reader = 'tallies';
  done := coalesce(done, 0);
  select l.seq - l.seq % 1024 into upto from log l where l.tenant_id = tenant order by l.seq desc limit 1;
  if upto is null or upto <= done then return 0; end if;
  insert into log_tallies as t (tenant_id, block, agent_id, action, decision, tool, n)
    select l.tenant_id, l.seq >> 13, l.agent_id, log_action(l.kind), l.decision, l.tool, count(*)
    from log l where l.tenant_id = tenant and l.seq > done and l.seq <= upto group by 1, 2, 3, 4, 5, 6
    on conflict (tenant_id, block, action, decision, tool, agent_id) do update set n = t.n + excluded.n;
  insert into cursors (tenant_id, reader, seq) values (tenant, 'tallies', upto)
    on conflict (tenant_id, reader) do update set seq = excluded.seq;
  return upto - done;
end $$;

-- The seq of the first entry at or after a time, or right after it; past the end when there is none. Time grows with seq
-- (append_log), so twenty looks find it and the log needs no index for it.
create function log_seq_at(moment timestamptz, after boolean) returns bigint language plpgsql stable as $$
declare
  tenant constant uuid := current_tenant();
  low bigint := 1;
  high bigint;
  middle bigint;
  found_at timestamptz;
begin
  select l.seq + 1 into high from log l where l.tenant_id = tenant order by l.seq desc limit 1;
  high := coalesce(high, 1);
  while low < high loop
    middle := (low + high) / 2;
    select l.at into found_at from log l where l.tenant_id = tenant and l.seq = middle;
    if found_at < moment or (after and found_at = moment) then low := middle + 1; else high := middle; end if;
  end loop;
  return low;
end $$;

create index log_tool on log (tenant_id, tool, seq) where tool is not null;
create index log_agent on log (tenant_id, agent_id, seq) where agent_id is not null;
create index log_refused on log (tenant_id, decision, seq) where decision <> 'allow';

-- Whom a key may act as, found by its hash: one round trip, planned once a connection. Who shows the key may see its row;
-- only then the tenant is known, and its user, agent and run become visible.
create function presented_key(hash text) returns table (
  id uuid, tenant_id uuid, name text, role text, scopes text[], agent_id uuid, run_id uuid, expires_at timestamptz,
  revoked_at timestamptz, user_id uuid, email text, user_role text, is_active boolean, agent_name text, agent_status text,
  ticket_id uuid)
  language plpgsql as $$
#variable_conflict use_column
declare
  tenant uuid;
  used timestamptz;
begin
  perform set_config('app.key_hash', hash, true);
  select k.tenant_id, k.last_used_at into tenant, used from api_keys k where k.key_hash = hash;
  if tenant is null then return; end if;
  perform set_config('app.tenant', tenant::text, true);
  if used is null or used < now() - interval '1 minute' then
    update api_keys k set last_used_at = now() where k.key_hash = hash and k.last_used_at is not distinct from used;
  end if;
  return query select k.id, k.tenant_id, k.name, k.role, k.scopes, k.agent_id, k.run_id, k.expires_at, k.revoked_at,
      k.user_id, u.email, u.role, u.is_active, a.name, a.status, r.ticket_id
    from api_keys k left join users u on u.id = k.user_id left join agents a on a.id = k.agent_id left join runs r on r.id = k.run_id
    where k.key_hash = hash;
end $$;

-- Groups are told of changes that wait for them, where they say how; and what an agent may do with its own ticket is shown as a reference.

-- One message: of that change, that it was asked for, reminded of or escalated, to that group.
create table gate_notices (
  -- What whoever gets it twice knows it by.
  id uuid primary key,
  tenant_id uuid not null references tenants,
  gate_id uuid not null references gates,
  group_id uuid not null references raci_groups,
  event text not null check (event in ('gate.requested', 'gate.reminded', 'gate.escalated')),
  -- Which of its kind, from 1.
  n int not null,
  -- What is sent, the same bytes at every attempt.
  payload text not null,
  -- Moot: the change was decided before anybody heard of it.
  notification text not null default 'pending' check (notification in ('pending', 'delivered', 'failed', 'moot')),
  notify_attempts int not null default 0,
  notify_error text,
  notified_at timestamptz,
  created_at timestamptz not null default now()
);
create unique index gate_notices_once on gate_notices (tenant_id, gate_id, group_id, event, n);
create index gate_notices_pending on gate_notices (tenant_id, created_at) where notification = 'pending';
select isolate('gate_notices', 'select, insert, update');
create index raci_groups_told on raci_groups (tenant_id) where enabled and notify_channel is not null;

-- What was asked for before groups were told is nobody's news.
insert into cursors (tenant_id, reader, seq) select tenant_id, 'gate notices', max(seq) from log group by 1;

-- A reference to the own ticket, for each thing that the run may do with it: good as long as the run is, and no secret behind it.
create table run_references (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references tenants,
  -- In the numbers of leases, as one list shows both.
  number int not null default nextval(pg_get_serial_sequence('leases', 'number')),
  run_id uuid not null references runs,
  action text not null,
  created_at timestamptz not null default now(),
  unique (run_id, action)
);
select isolate('run_references', 'select, insert');
do $$ begin
  execute format('grant usage on sequence %s to wheelhouse_app', pg_get_serial_sequence('leases', 'number'));
end $$;

create function refer_to_ticket() returns trigger language plpgsql as $$
begin
  insert into run_references (tenant_id, run_id, action)
    select new.tenant_id, new.id, r.action
    from (values ('read', 'tickets:read'), ('note', 'tickets:note'), ('request_access', 'access:request')) r (action, scope)
    where r.scope = any(new.scopes);
  return new;
end $$;
create trigger refer_to_ticket after insert on runs for each row execute function refer_to_ticket();
insert into run_references (tenant_id, run_id, action)
  select u.tenant_id, u.id, r.action
  from runs u, (values ('read', 'tickets:read'), ('note', 'tickets:note'), ('request_access', 'access:request')) r (action, scope)
  where r.scope = any(u.scopes) and u.finished_at is null;

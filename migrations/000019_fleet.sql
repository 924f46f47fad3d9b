-- Agents that are registered and let go of, the versions of their definitions, and what they say to each other.

alter table agents
  -- Deleted ones keep their row: runs, executions, keys and the log name it. It is in no list, and its name is free again.
  add deleted_at timestamptz,
  -- The newest of agent_versions; 0: nobody has defined it.
  add current_version int not null default 0,
  -- What it works on by itself; another once people have closed that.
  add ticket_id uuid references tickets,
  -- Who gave it its schedule, and with which rights: nobody is there when it opens a run.
  add scheduled_by jsonb,
  add scheduled_scopes text[] not null default '{}',
  add constraint agents_status check (status in ('ACTIVE', 'PAUSED', 'ERROR', 'DISABLED')),
  -- Whatever asks for the status alone, a call's first stage included, has it stopped.
  add constraint agents_deleted check (deleted_at is null or status = 'DISABLED'),
  drop constraint agents_tenant_id_name_key;
create unique index agents_name on agents (tenant_id, name) where deleted_at is null;
create index agents_list on agents (tenant_id, created_at desc, id desc) where deleted_at is null;

-- What an agent may do is shown with it.
update agents a set capabilities = g.tools
  from (select agent_id, array_agg(tool order by tool) as tools from agent_grants where effect = 'ALLOW' group by 1) g
  where g.agent_id = a.id;

create table agent_versions (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  agent_id uuid not null references agents,
  version int not null check (version > 0),
  -- All that was defined by then.
  definition jsonb not null,
  created_by jsonb not null,
  created_at timestamptz not null default now(),
  unique (agent_id, version)
);
select isolate('agent_versions', 'select, insert');

-- What started a run, and which definition it went by; null where nothing was said of it.
alter table runs
  add trigger_kind text check (trigger_kind in ('assigned', 'manual', 'scheduled')),
  add definition_version int;
-- A ticket is worked on by one agent at a time; test runs are beside that.
drop index runs_alive;
create unique index runs_alive on runs (tenant_id, ticket_id, task_type)
  where status not in ('finished', 'failed', 'stopped', 'terminated') and trigger_kind is distinct from 'manual';

-- What one agent tells another, by name: who is told may be registered later, or nowhere. It ends when somebody has acted on
-- it, or when its time is over, which no row says: the clock does.
create table agent_signals (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  for_agent text not null,
  created_by text not null,
  signal text not null,
  detail json,
  status text not null default 'pending' check (status in ('pending', 'actioned')),
  expires_at timestamptz,
  created_at timestamptz not null default now(),
  actioned_by text,
  actioned_at timestamptz,
  result json
);
create index agent_signals_list on agent_signals (tenant_id, created_at desc, id desc);
create index agent_signals_agent on agent_signals (tenant_id, for_agent, created_at desc, id desc);
create index agent_signals_pending on agent_signals (tenant_id, for_agent, created_at) where status = 'pending';
select isolate('agent_signals', 'select, insert, update');

-- Commands that work as agents: one row a launch. A run has one at a time, on whatever machine.
create table agent_processes (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  run_id uuid not null references runs,
  -- From 1, of its run.
  launch int not null,
  harness text not null,
  program text not null,
  -- Where it runs: what people call the machine; and its boot and pid namespace, outside of which pids mean nothing.
  host text not null,
  place text not null,
  work_dir text not null,
  log_path text not null,
  state_dir text not null,
  -- What its agent calls the API by, and until when at most: both are taken away with its end.
  key_id uuid not null,
  pid int,
  pgid int,
  -- Clock ticks between the boot and its start: another process with its pid has others.
  pid_started bigint,
  launched_at timestamptz not null default now(),
  started_at timestamptz,
  -- The last time that a worker looked after it.
  attended_at timestamptz not null default now(),
  ended_at timestamptz,
  exit_code int,
  signal text,
  -- Which limit ended it.
  end_limit text,
  end_reason text,
  -- How its run goes on: written with its end, so that whoever asks again hears the same.
  outcome jsonb,
  output_bytes bigint not null default 0,
  rss_bytes bigint not null default 0,
  peak_bytes bigint not null default 0,
  -- How far its log has been read for what it says of its work.
  read_to bigint not null default 0,
  -- Of its last events: what it says came of its task, and whether it says that it failed.
  said text,
  said_failed boolean not null default false,
  -- Its processes, a line each, and the end of its log, for who is on another machine.
  lines text[] not null default '{}',
  tail text not null default '',
  unique (run_id, launch)
);
create unique index agent_processes_live on agent_processes (run_id) where ended_at is null;
create index agent_processes_open on agent_processes (tenant_id, place) where ended_at is null;
select isolate('agent_processes', 'select, insert, update');

-- What an agent says of how far it is: each pair of step and status once.
create table run_checkpoints (
  run_id uuid not null references runs,
  tenant_id uuid not null references tenants,
  number int generated always as identity unique,
  step text not null,
  status text not null,
  output text,
  progress int not null,
  at timestamptz not null default now(),
  primary key (run_id, step, status)
);
select isolate('run_checkpoints', 'select, insert');

-- What a worker finds of the commands on its machine; of no tenant. A worker that says nothing is forgotten.
create unlogged table harness_reports (
  place text not null,
  host text not null,
  harness text not null,
  program text not null,
  path text,
  version text,
  error text,
  details jsonb not null,
  checked_at timestamptz not null,
  expires_at timestamptz not null,
  primary key (place, harness)
);
alter table harness_reports enable row level security;
alter table harness_reports force row level security;
create policy installation on harness_reports using (true);
grant select, insert, update, delete on harness_reports to wheelhouse_app;

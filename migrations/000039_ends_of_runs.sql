-- What models did in commands, as the commands told of it: a turn each.
create table command_turns (
  process_id uuid not null references agent_processes on delete cascade,
  -- The message's, where the command gives one; else where it stands in the log.
  key text not null,
  tenant_id uuid not null references tenants,
  run_id uuid not null references runs,
  number bigint generated always as identity unique,
  model text,
  ended_at timestamptz not null default now(),
  -- Since what it said before; null where nobody watched then.
  duration_ms float8,
  stop_reason text,
  has_tool_use boolean not null,
  tokens_in int not null,
  tokens_out int not null,
  primary key (process_id, key)
);
create index command_turns_of on command_turns (run_id, number desc);
select isolate('command_turns', 'select, insert, update');

-- What is left of runs that are over goes by age.
grant delete on agent_processes, run_checkpoints, model_turns, api_keys to wheelhouse_app;
create index agent_processes_age on agent_processes (tenant_id, ended_at, id) where ended_at is not null;
create index run_checkpoints_age on run_checkpoints (tenant_id, at, number);
create index model_turns_age on model_turns (tenant_id, started_at, id);
create index api_keys_of_runs on api_keys (tenant_id, created_at, id) where run_id is not null;

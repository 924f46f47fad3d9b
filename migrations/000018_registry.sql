-- The registry's side of an agent: what is shown of it, when it runs by itself, and how its runs went. One row for all doors.

alter table agents
  add display_name text,
  add agent_type text not null default 'scheduled_task',
  -- managed_agents: its runs are workflows here. external: it runs elsewhere and reports.
  add runtime text not null default 'managed_agents' check (runtime in ('managed_agents', 'external')),
  -- A cron expression, read in the timezone.
  add schedule text,
  add timezone text not null default 'UTC',
  add capabilities text[] not null default '{}',
  add configuration jsonb not null default '{}',
  add last_run_at timestamptz,
  add last_success_at timestamptz,
  add last_failure_at timestamptz,
  add consecutive_failures int not null default 0,
  add updated_at timestamptz not null default now();

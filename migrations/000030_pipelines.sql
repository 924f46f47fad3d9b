-- Steps in order, each carried out by a run; of a learned workflow, or of another list of steps. One writer: `pipelineRun`.
create table pipelines (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  number int generated always as identity unique,
  name text not null,
  blueprint_id uuid references blueprints,
  blueprint_version int,
  ticket_id uuid references tickets,
  -- Who does the steps: `runs` of its own, or somebody who says how it went.
  carried_out_by text not null,
  run_id uuid,
  status text not null,
  steps jsonb not null,
  scopes text[] not null,
  started_by jsonb not null,
  result text,
  error text,
  created_at timestamptz not null,
  started_at timestamptz,
  finished_at timestamptz,
  version int not null
);
create index pipelines_blueprint on pipelines (tenant_id, blueprint_id, number desc);
create index pipelines_alive on pipelines (tenant_id, number) where finished_at is null;
select isolate('pipelines', 'select, insert, update');

-- A blueprint's steps as they were given; empty: as its text numbers them.
alter table blueprints add steps jsonb not null default '[]';

-- A ticket is worked on by one agent at a time; test runs are beside that, and so are the steps of a pipeline: those that
-- share an order go on together.
drop index runs_alive;
create unique index runs_alive on runs (tenant_id, ticket_id, task_type)
  where status not in ('finished', 'failed', 'stopped', 'terminated')
    and trigger_kind is distinct from 'manual' and task_type <> 'pipeline_step';

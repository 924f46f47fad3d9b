-- Steps that people wrote down for agents of a kind, to be carried out again and again: each time is a pipeline.
create table pipeline_definitions (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  number int generated always as identity unique,
  name text not null,
  description text not null,
  status text not null check (status in ('active', 'inactive')),
  steps jsonb not null,
  created_by jsonb not null,
  created_at timestamptz not null default now()
);
create index pipeline_definitions_list on pipeline_definitions (tenant_id, number desc);
select isolate('pipeline_definitions', 'select, insert');

alter table pipelines
  add definition_id uuid references pipeline_definitions,
  -- What whoever started it gave to all steps, and how urgent that is.
  add parameters jsonb,
  add priority text;
create index pipelines_definition on pipelines (tenant_id, definition_id, number desc) where definition_id is not null;

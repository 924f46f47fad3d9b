-- What a tenant's agents run with, as people set it; every version is in the log. Without a row the usual configuration stands.
create table runtime_configs (
  tenant_id uuid primary key references tenants,
  config jsonb not null,
  version int not null,
  updated_by jsonb not null,
  updated_at timestamptz not null
);
select isolate('runtime_configs', 'select, insert, update');

-- What a run was given of its profile when it was spawned; null: it was spawned without one.
alter table runs add runtime jsonb;

-- Who works and who waits to begin is asked whenever a run begins or ends.
create index runs_turns on runs (tenant_id, status, number) where status in ('spawned', 'running');

-- A tenant's own policies: every text that was uploaded, with the module that opa made of it.
create table policy_versions (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  name text not null,
  version int not null check (version > 0),
  description text,
  rego text not null,
  tests text,
  -- opa's paths to the rules that decide.
  entrypoints text[] not null,
  wasm bytea not null,
  -- sha256 of the module.
  digest text not null,
  -- Tests that passed before it was stored.
  tested int not null,
  uploaded_by jsonb not null,
  uploaded_at timestamptz not null default now(),
  unique (tenant_id, name, version)
);
select isolate('policy_versions', 'select, insert');

-- Which version of each is enforced: what is not here is not.
create table active_policies (
  tenant_id uuid not null references tenants,
  name text not null,
  version_id uuid not null references policy_versions,
  activated_by jsonb not null,
  activated_at timestamptz not null default now(),
  primary key (tenant_id, name)
);
select isolate('active_policies', 'select, insert, update, delete');

-- What the policies were told of a call (its arguments stand beside it), and what they said: another policy can be asked what it
-- would have said. Null where the call never came to them.
alter table executions add column policy jsonb;

-- Tool servers of tenants, and the parts of the installation beside them: what each is, and how it was when it was last asked.

create table tools (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  number int generated always as identity unique,
  name text not null,
  type text not null check (type in ('mcp', 'builtin', 'integration')),
  description text not null default '',
  enabled boolean not null default true,
  -- How a tool server is spoken to, and what people say of its tools; null for a part of the installation.
  settings jsonb check ((settings is null) = (type <> 'mcp')),
  -- What is sent along, under the master key.
  secrets_sealed bytea,
  revision int not null default 1,
  status text not null default 'unknown' check (status in ('healthy', 'degraded', 'down', 'unknown')),
  last_check timestamptz,
  response_time_ms double precision,
  last_error text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz
);
create unique index tools_name on tools (tenant_id, name) where deleted_at is null;
select isolate('tools', 'select, insert, update');

-- The tools of a server, as it listed them last.
create table server_tools (
  tenant_id uuid not null references tenants,
  server_id uuid not null references tools,
  name text not null,
  description text not null,
  input_schema jsonb not null,
  output_schema jsonb,
  annotations jsonb not null,
  digest text not null,
  problem text,
  listed_at timestamptz not null default now(),
  primary key (server_id, name)
);
select isolate('server_tools', 'select, insert, update, delete');

create table tool_checks (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  tool_id uuid not null references tools,
  checked_at timestamptz not null default now(),
  status text not null check (status in ('healthy', 'degraded', 'down')),
  response_time_ms double precision,
  error text
);
create index tool_checks_of on tool_checks (tool_id, checked_at desc, id desc);
create index tool_checks_age on tool_checks (tenant_id, checked_at, id);
select isolate('tool_checks', 'select, insert, delete');

-- The parts that an installation may have are rows of every tenant, so that each has a number and a history.
create function add_parts(tenant uuid) returns void language sql as $$
  insert into tools (id, tenant_id, name, type, description)
    select gen_random_uuid(), tenant, p.name, p.type, p.description from (values
      ('built-in', 'builtin', 'The tools that every agent may be granted, and the policy over them'),
      ('postgres', 'integration', 'The database'),
      ('temporal', 'integration', 'The workflow engine'),
      ('itop', 'integration', 'The ticket system of this tenant'),
      ('model', 'integration', 'The model that plans and narrates investigations'),
      ('credentials', 'integration', 'Whoever grants credentials'),
      ('wazuh', 'integration', 'The security monitoring of this tenant')
    ) p (name, type, description)
  on conflict do nothing
$$;
do $$
declare t uuid;
begin
  perform set_config('app.system', 'on', true);
  for t in select id from tenants loop
    perform set_config('app.tenant', t::text, true);
    perform add_parts(t);
  end loop;
end $$;

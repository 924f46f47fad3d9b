-- Files by what is in them, and every deployment of a published site.

-- What the first bytes say that a file is; null when they say nothing, or when the bytes are elsewhere.
alter table attachments add column detected_type text;
-- Who still names a file: asked before one is removed.
create index attachments_sha256 on attachments (tenant_id, sha256) where stored;

-- What was published under an address, each time: kept, so that it can be shown again.
create table deployments (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  number int generated always as identity unique,
  slug text not null references publications,
  run_id uuid not null,
  ticket_id uuid not null references tickets,
  -- The step or the change that published it: a repeat finds it done.
  effect text not null,
  digest text not null,
  file_count int not null,
  total_bytes bigint not null,
  deployed_by jsonb not null,
  created_at timestamptz not null default now(),
  unique (tenant_id, slug, effect, digest)
);
create index deployments_slug on deployments (tenant_id, slug, number desc);
select isolate('deployments', 'select, insert');

create table deployment_files (
  deployment_id uuid not null references deployments,
  tenant_id uuid not null references tenants,
  path text not null,
  sha256 text not null,
  size_bytes bigint not null,
  primary key (deployment_id, path)
);
create index deployment_files_sha256 on deployment_files (tenant_id, sha256);
select isolate('deployment_files', 'select, insert');

-- What is seen under the address: one deployment or another, never a half of each.
alter table publications add column deployment_id uuid references deployments;
-- Pages are for everybody: whose an address is has to be found before the tenant is known.
create policy address on publications for select using (current_setting('app.system', true) = 'on');

-- A tenant's own secrets, by what they open: a lease lends the one that fits, as it is at the moment of its use. Sealed under
-- the master key; no right to read a row shows one.
create table kept_secrets (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  number int generated always as identity unique,
  system text not null,
  resource_type text not null,
  -- `*` stands for any text in it.
  resource_id text not null,
  -- `*`: for whatever is to be done.
  action text not null,
  sealed bytea not null,
  version int not null default 1,
  changed_by jsonb not null,
  -- The request that put it as it is: its repeat changes nothing.
  changed_in uuid not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (tenant_id, system, resource_type, resource_id, action)
);
select isolate('kept_secrets', 'select, insert, update, delete');

-- Who keeps the credential of a lease takes it back, whoever is asked for new ones by then. Null: from before that was known.
alter table leases add column kept_by text;
-- It lends this secret, and has no copy.
alter table leases add column kept_secret_id uuid references kept_secrets on delete set null;
create index leases_kept on leases (tenant_id, kept_secret_id) where kept_secret_id is not null;

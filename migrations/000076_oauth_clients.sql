-- Programs that get tokens by client credentials: OAuth clients, each with one secret, or two while it is rotated.
create table oauth_clients (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  name text not null,
  -- The most that its tokens may.
  scopes text[] not null,
  created_by jsonb not null,
  created_at timestamptz not null default now(),
  revoked_at timestamptz
);
create index oauth_clients_newest on oauth_clients (tenant_id, created_at desc, id);
select isolate('oauth_clients', 'select, insert, update');

create table oauth_client_secrets (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  client_id uuid not null references oauth_clients,
  secret_hash text not null,
  created_at timestamptz not null default now(),
  -- Null: it stands until it is rotated.
  expires_at timestamptz
);
create index oauth_client_secrets_client on oauth_client_secrets (tenant_id, client_id);
select isolate('oauth_client_secrets', 'select, insert, update');

alter table tokens
  add column client_id uuid references oauth_clients,
  -- What a client asked for; null for whoever has a role.
  add column scopes text[];
create index tokens_client on tokens (tenant_id, client_id) where client_id is not null;

-- Who may come in, and as whom: what a tenant has bought, users who were invited or come from an issuer, tokens that can be taken
-- back one by one, secrets that agents log in with.

alter table tenants add column org_id uuid;
alter table tenants add column tier text not null default 'basic' check (tier in ('basic', 'pro', 'enterprise'));
alter table tenants add column status text not null default 'active' check (status in ('active', 'suspended'));
-- What a call comes to that cannot be judged because something the judgement leans on is away.
alter table tenants add column degraded_mode_policy text not null default 'block_high_risk'
  check (degraded_mode_policy in ('block_high_risk', 'block_all', 'allow_with_audit'));
-- Its own limits; null: those of its tier (domain/tenant.ts).
alter table tenants add column rpm_limit int check (rpm_limit > 0);
alter table tenants add column requests_per_second int check (requests_per_second > 0);
alter table tenants add column burst int check (burst > 0);
alter table tenants add column daily_request_cap bigint check (daily_request_cap > 0);
alter table tenants add column monthly_request_cap bigint check (monthly_request_cap > 0);
alter table tenants add column daily_inference_cost_cap_usd numeric check (daily_inference_cost_cap_usd >= 0);
alter table tenants add column updated_at timestamptz not null default now();
-- Who serves all of them may list them, and changes none but the one that it is in.
drop policy own on tenants;
create policy own on tenants using (id = (select current_tenant())) with check (id = (select current_tenant()));
create policy listed on tenants for select using (current_setting('app.system', true) = 'on');
grant insert, update on tenants to wheelhouse_app;

-- Null: nobody has chosen one yet, or they come from an issuer.
alter table users alter column password_hash drop not null;
-- Who is not active and has one is invited; without one they have left.
alter table users add column invitation_hash text;
alter table users add column invitation_expires_at timestamptz;
-- Who they are at the tenant's issuer.
alter table users add column sso_issuer text;
alter table users add column sso_subject text;
create unique index users_sso on users (tenant_id, sso_issuer, sso_subject) where sso_subject is not null;
create unique index users_invitation on users (tenant_id, invitation_hash) where invitation_hash is not null;

-- A token opens nothing unless its row says so: that is how it is taken back before its time.
create table tokens (
  jti uuid primary key,
  tenant_id uuid not null references tenants,
  -- Those that came of one log-in, each for the one before.
  family uuid not null,
  -- Whose it is: one of the two.
  user_id uuid references users,
  agent_id uuid references agents,
  issued_at timestamptz not null default now(),
  expires_at timestamptz not null,
  revoked_at timestamptz,
  revoked_for text check (revoked_for in ('refresh', 'logout', 'revoked', 'reuse', 'credentials', 'deactivated'))
);
create index tokens_family on tokens (tenant_id, family);
create index tokens_agent on tokens (tenant_id, agent_id) where agent_id is not null;
create index tokens_user on tokens (tenant_id, user_id) where user_id is not null;
create index tokens_over on tokens (tenant_id, expires_at);
select isolate('tokens', 'select, insert, update, delete');

create table agent_credentials (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  agent_id uuid not null references agents,
  secret_hash text not null,
  status text not null default 'active' check (status in ('active', 'revoked')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index agent_credentials_active on agent_credentials (agent_id) where status = 'active';
select isolate('agent_credentials', 'select, insert, update');

-- The issuer whose people may come in, one a tenant.
create table sso_configs (
  tenant_id uuid primary key references tenants,
  issuer text not null,
  client_id text not null,
  -- Under the master key.
  secret_sealed bytea,
  entity_id text,
  enabled boolean not null default true,
  -- The claim that names groups, what each makes of its people, and what whoever is in none of them becomes; null: nobody.
  group_claim text not null default 'groups',
  role_mapping jsonb not null default '{}',
  default_role text,
  changed_by jsonb not null,
  version int not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
select isolate('sso_configs', 'select, insert, update');

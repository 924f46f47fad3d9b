-- What people and agents work on. Columns carry the names of the domain's fields in snake case.

create table tickets (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  number int generated always as identity unique,
  title text not null,
  description text not null,
  ticket_class text not null,
  status text not null,
  previous_status text,
  priority text,
  assignee text,
  assignee_team text,
  owning_group text,
  provider text not null default 'local',
  provider_ref text,
  provider_sync_status text not null default 'local_only',
  external_url text,
  parent_ticket_id uuid references tickets,
  run_id uuid,
  requester_name text,
  requester_email text,
  affected_user_name text,
  affected_user_email text,
  security_classification text not null default 'internal',
  access_scope jsonb not null default '{}',
  created_by jsonb not null,
  created_by_label text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index tickets_list on tickets (tenant_id, number desc);
create index tickets_status on tickets (tenant_id, status, number desc);
select isolate('tickets', 'select, insert, update');

create table ticket_notes (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  number int generated always as identity unique,
  ticket_id uuid not null references tickets,
  source text not null,
  author text not null,
  actor jsonb not null,
  body text not null,
  visibility text not null default 'internal',
  external_ref text,
  created_at timestamptz not null default now()
);
create index ticket_notes_ticket on ticket_notes (tenant_id, ticket_id, number);
select isolate('ticket_notes', 'select, insert');

create table attachments (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  number int generated always as identity unique,
  ticket_id uuid not null references tickets,
  note_id uuid references ticket_notes,
  filename text not null,
  content_type text,
  storage_ref text,
  sha256 text,
  size_bytes bigint,
  metadata jsonb not null default '{}',
  stored boolean not null default false,
  created_at timestamptz not null default now()
);
create index attachments_ticket on attachments (tenant_id, ticket_id, number);
select isolate('attachments', 'select, insert');

create table runs (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  number int generated always as identity unique,
  task_number int generated always as identity unique,
  agent_id uuid not null references agents,
  ticket_id uuid not null references tickets,
  task_type text not null,
  harness text not null,
  model text,
  profile_id text,
  prompt text,
  scopes text[] not null,
  status text not null,
  progress int not null default 0,
  steps int not null default 0,
  spawned_by jsonb not null,
  result text,
  error text,
  heartbeat timestamptz not null default now(),
  created_at timestamptz not null,
  started_at timestamptz,
  finished_at timestamptz,
  version int not null
);
create index runs_list on runs (tenant_id, number desc);
create index runs_ticket on runs (tenant_id, ticket_id, number desc);
-- A ticket is worked on by one agent at a time.
create unique index runs_alive on runs (tenant_id, ticket_id, task_type)
  where status not in ('finished', 'failed', 'stopped', 'terminated');
select isolate('runs', 'select, insert, update');

-- Stop does not wait for the workflow: from here on no call of the run passes stage 1.
create table run_fences (
  run_id uuid primary key references runs,
  tenant_id uuid not null references tenants,
  reason text not null,
  set_at timestamptz not null default now()
);
select isolate('run_fences', 'select, insert');

create table steering_events (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  number int generated always as identity unique,
  run_id uuid not null references runs,
  ticket_id uuid not null references tickets,
  note_id uuid references ticket_notes,
  source text not null,
  author text not null,
  body text not null,
  status text not null,
  created_at timestamptz not null default now(),
  delivered_at timestamptz,
  acknowledged_at timestamptz,
  unique (run_id, note_id)
);
create index steering_events_run on steering_events (tenant_id, run_id, number);
select isolate('steering_events', 'select, insert, update');

-- The execution ledger: one row per governed call. `owner_id` is the run or investigation, `step` its place there; a
-- repeat after a crash finds the row. `args_digest` tells whether the repeat asks for the same.
create table executions (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  owner_id uuid,
  step int,
  agent_id uuid,
  ticket_id uuid,
  tool text not null,
  args jsonb not null,
  args_digest text not null,
  why text,
  decision text not null,
  risk double precision not null,
  findings text[] not null default '{}',
  reasons jsonb not null default '[]',
  stages jsonb not null,
  result jsonb,
  result_digest text,
  error text,
  started_at timestamptz not null,
  duration_ms double precision not null,
  unique (tenant_id, owner_id, step)
);
create index executions_recent on executions (tenant_id, started_at desc);
select isolate('executions', 'select, insert');

create table gates (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  number int generated always as identity unique,
  ticket_id uuid references tickets,
  run_id uuid,
  agent_id uuid references agents,
  access_request_id uuid,
  action text not null,
  target text not null,
  reason text,
  command text,
  risk_level text not null,
  approval_policy jsonb not null,
  digest text,
  status text not null,
  requested_by jsonb not null,
  on_behalf_of jsonb,
  requested_at timestamptz not null,
  expires_at timestamptz not null,
  decided_by jsonb,
  decided_label text,
  decided_at timestamptz,
  decision_reason text,
  completed_by jsonb,
  completed_at timestamptz,
  result text,
  version int not null
);
create index gates_list on gates (tenant_id, number desc);
create index gates_status on gates (tenant_id, status, number desc);
create index gates_run on gates (tenant_id, run_id) where run_id is not null;
create index gates_ticket on gates (tenant_id, ticket_id) where ticket_id is not null;
select isolate('gates', 'select, insert, update');

create table access_requests (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  number int generated always as identity unique,
  ticket_id uuid not null references tickets,
  access_ticket_id uuid not null references tickets,
  run_id uuid,
  agent_id uuid references agents,
  gate_id uuid not null,
  resource text not null,
  permission text not null,
  account_ref text,
  reason text,
  assignment_group text not null,
  risk_level text not null,
  lease jsonb,
  lease_id uuid,
  status text not null,
  requester jsonb not null,
  on_behalf_of jsonb,
  approval_actor jsonb,
  evidence text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  version int not null
);
create index access_requests_ticket on access_requests (tenant_id, ticket_id, number);
create index access_requests_run on access_requests (tenant_id, run_id) where run_id is not null;
select isolate('access_requests', 'select, insert, update');

-- A credential on loan. The secret is sealed under the master key and gone when the lease ends; nothing else holds it.
create table leases (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  number int generated always as identity unique,
  access_request_id uuid not null unique references access_requests,
  run_id uuid,
  agent_id uuid references agents,
  system text not null,
  resource_type text not null,
  resource_id text not null,
  action text not null,
  credential_ref text not null,
  secret_sealed bytea,
  status text not null check (status in ('active', 'revoked', 'expired')),
  granted_by jsonb,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  ended_at timestamptz,
  end_reason text
);
create index leases_active on leases (tenant_id, run_id) where status = 'active';
select isolate('leases', 'select, insert, update');

create table publications (
  slug text primary key, -- unique on the server, not in the tenant: it is a public address
  tenant_id uuid not null references tenants,
  run_id uuid not null,
  ticket_id uuid not null references tickets,
  digest text not null,
  file_count int not null,
  total_bytes bigint not null,
  published_at timestamptz not null default now()
);
select isolate('publications', 'select, insert, update');

create table investigations (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  ticket_id uuid not null references tickets,
  agent_id uuid not null references agents,
  mode text not null,
  status text not null,
  steps int not null default 0,
  conclusion jsonb,
  error text,
  started_by jsonb not null,
  created_at timestamptz not null,
  finished_at timestamptz,
  version int not null
);
select isolate('investigations', 'select, insert, update');

create table postmortems (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  number int generated always as identity unique,
  ticket_id uuid references tickets,
  run_id uuid,
  status text not null,
  summary text not null default '',
  went_well text not null default '',
  improvements text not null default '',
  workflow_proposal text not null default '',
  documentation text not null default '',
  skill_proposals jsonb not null default '[]',
  test_cases jsonb not null default '[]',
  guardrails jsonb not null default '[]',
  review_notes text,
  created_by text not null,
  reviewed_by text,
  reviewed_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version int not null default 1
);
create index postmortems_list on postmortems (tenant_id, number desc);
create index postmortems_ticket on postmortems (tenant_id, ticket_id);
select isolate('postmortems', 'select, insert, update');

create table articles (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  number int generated always as identity unique,
  title text not null,
  body text not null,
  category text,
  source text not null,
  external_ref text,
  tags text[] not null default '{}',
  enabled boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (tenant_id, external_ref)
);
select isolate('articles', 'select, insert, update');

create table blueprints (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  number int generated always as identity unique,
  name text not null,
  workflow_key text not null,
  version int not null,
  status text not null,
  description text not null default '',
  ticket_class text,
  trigger_type text not null default 'ticket',
  blueprint text not null,
  test_plan text not null default '',
  test_results text not null default '',
  approval_policy jsonb not null default '{}',
  skill_ids int[] not null default '{}',
  created_by text not null,
  reviewed_by text,
  reviewed_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
-- A key means one living blueprint; what it replaced stays as history.
create unique index blueprints_key on blueprints (tenant_id, workflow_key) where status <> 'superseded';
select isolate('blueprints', 'select, insert, update');

create table skills (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  number int generated always as identity unique,
  name text not null,
  description text not null default '',
  category text not null,
  prompt_template text not null,
  enabled boolean not null default true,
  assigned_to_all boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (tenant_id, name)
);
select isolate('skills', 'select, insert, update, delete');

-- What one promotion made of one postmortem: a repeat finds its parts here and makes nothing twice.
create table promotion_parts (
  tenant_id uuid not null references tenants,
  postmortem_id uuid not null references postmortems,
  part text not null,
  outcome jsonb not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, postmortem_id, part)
);
select isolate('promotion_parts', 'select, insert, delete');

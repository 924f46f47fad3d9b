-- An investigation is about a ticket or a transaction, may be resumed, and says what it found in rows of its own. What it
-- observed stands in the ledger (executions): an evidence block is a step that was carried out, with its digest.

alter table investigations
  alter ticket_id drop not null,
  -- Whatever source it was found in: it need not be a row here.
  add transaction_id uuid,
  -- Grows with each resume: which of its workflows writes it.
  add attempt int not null default 1,
  add severity text,
  add confidence float8,
  add check (ticket_id is not null or transaction_id is not null);
create index investigations_list on investigations (tenant_id, created_at desc, id desc);
create index investigations_status on investigations (tenant_id, status, created_at desc, id desc);
create index investigations_transaction on investigations (tenant_id, transaction_id, created_at desc, id desc);

-- One a phase, by the rules, by the model, or by the rules because the model was of no use.
create table planner_decisions (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  investigation_id uuid not null references investigations,
  phase text not null,
  decided_by text not null,
  reason text not null,
  decision jsonb not null,
  model text,
  prompt jsonb,
  answer text,
  started_at timestamptz not null,
  duration_ms float8 not null,
  unique (investigation_id, phase)
);
select isolate('planner_decisions', 'select, insert');

create table insights (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  investigation_id uuid not null references investigations,
  transaction_id uuid not null,
  insight_type text not null,
  severity text not null,
  summary text not null,
  confidence float8 not null,
  -- Steps of the ledger, by their ids.
  evidence uuid[] not null,
  generated_at timestamptz not null
);
create index insights_investigation on insights (tenant_id, investigation_id);
create index insights_transaction on insights (tenant_id, transaction_id, id desc);
select isolate('insights', 'select, insert');

create table recommendations (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  investigation_id uuid not null references investigations,
  transaction_id uuid not null,
  type text not null,
  -- Most severe and surest first, as domain/findings.ts has it.
  priority int not null,
  title text not null,
  impact text not null,
  severity text not null,
  evidence uuid[] not null,
  status text not null default 'OPEN',
  created_at timestamptz not null,
  decided_by jsonb,
  decided_at timestamptz,
  comment text
);
create index recommendations_investigation on recommendations (tenant_id, investigation_id);
-- The worklist, and the worklist of one severity: a page is a walk from the cursor on.
create index recommendations_open on recommendations (tenant_id, priority desc, id desc) where status = 'OPEN';
create index recommendations_open_severity on recommendations (tenant_id, severity, priority desc, id desc) where status = 'OPEN';
select isolate('recommendations', 'select, insert, update');

create table rule_drafts (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  investigation_id uuid not null unique references investigations,
  rule_name text not null,
  rule_description text not null,
  conditions jsonb not null,
  thresholds jsonb not null,
  metadata jsonb not null,
  created_at timestamptz not null
);
select isolate('rule_drafts', 'select, insert');

-- The analysts that there are may try a drafted rule.
insert into agent_grants (id, tenant_id, agent_id, tool, effect)
  select gen_random_uuid(), a.tenant_id, a.id, 'back_test', 'ALLOW' from agents a
  where a.name = 'analyst' and a.harness = 'embedded'
  on conflict do nothing;

-- What is to be noticed of agents, and what was. db/alert-evaluation.ts decides; this keeps.

create table alert_rules (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  rule_type text not null check (rule_type in ('consecutive_failures', 'duration_exceeded', 'no_run_since', 'error_rate')),
  -- In the unit of its type: failures, milliseconds, minutes, a share of 1.
  threshold double precision not null,
  -- Null: every registered agent. A name, not a reference: who reports need not be registered.
  agent_name text,
  -- `log`, or a URL.
  notify_channel text,
  -- What webhooks are signed with, under the master key; of a URL only.
  secret_sealed bytea,
  enabled boolean not null,
  created_by jsonb not null,
  created_at timestamptz not null default now()
);
create index alert_rules_list on alert_rules (tenant_id, created_at desc, id desc);
create index alert_rules_enabled on alert_rules (tenant_id, rule_type) where enabled;
select isolate('alert_rules', 'select, insert');

-- One episode: from when the rule's condition held of an agent until it no longer did.
create table alerts (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  rule_id uuid not null references alert_rules,
  rule_type text not null,
  agent_name text not null,
  message text not null,
  -- The runs that caused it, of either kind, newest first; the newest of many.
  run_ids uuid[] not null,
  fired_at timestamptz not null default now(),
  ended_at timestamptz,
  acknowledged_at timestamptz,
  -- As they call themselves, and who they are.
  acknowledged_by text,
  acknowledged_actor jsonb,
  -- Null: nobody is to be told.
  notification text check (notification in ('pending', 'delivered', 'failed')),
  notify_attempts int not null default 0,
  notify_error text,
  notified_at timestamptz
);
create unique index alerts_open on alerts (tenant_id, rule_id, agent_name) where ended_at is null;
create index alerts_list on alerts (tenant_id, fired_at desc, id desc);
create index alerts_agent on alerts (tenant_id, agent_name, fired_at desc, id desc);
create index alerts_unacknowledged on alerts (tenant_id, fired_at desc, id desc) where acknowledged_at is null;
create index alerts_pending on alerts (tenant_id, fired_at) where notification = 'pending';
select isolate('alerts', 'select, insert, update');

-- What happened before there were rules is nobody's news.
insert into cursors (tenant_id, reader, seq)
  select l.tenant_id, r.reader, max(l.seq) from log l, (values ('alerts'), ('alert notices')) r (reader) group by 1, 2;

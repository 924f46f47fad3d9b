-- Calls that are asked for over HTTP, and what the audit door says of an agent beside what the others do.

-- How a call was weighed, as it was at the time: null for those from before, and for calls that nothing weighed.
alter table executions add column assessment jsonb;
-- What a pending approval is asked for again with.
create index gates_sealed on gates (tenant_id, digest) where digest is not null and status = 'pending';

alter table agents
  -- Why it may do less than its status says; it goes with the reason.
  add column restriction text,
  add column restricted_because text,
  add column owner_id text,
  add column risk_level text not null default 'medium',
  add column metadata jsonb not null default '{}',
  add constraint agents_restriction check (restriction in ('SUSPENDED', 'THROTTLED', 'QUARANTINED')),
  add constraint agents_risk_level check (risk_level in ('low', 'medium', 'high', 'critical'));

alter table agent_grants
  add column granted_by text,
  -- By the database's clock; null: until it is taken back.
  add column expires_at timestamptz;
-- A tool may be allowed and denied at once: the denial counts, and what was allowed is there again once it is taken back.
alter table agent_grants drop constraint agent_grants_agent_id_tool_key;
alter table agent_grants add constraint agent_grants_once unique (agent_id, tool, effect);

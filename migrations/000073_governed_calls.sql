-- What governed calls lean on besides (docs/screening.md, docs/execute.md).

-- What screening found on one ticket, whoever called.
create index executions_found on executions (tenant_id, ticket_id, started_at desc) where ticket_id is not null and findings <> '{}';

-- An outside effect that was begun, so that whoever engages the kill switch is told which calls are under way, of runs or not.
alter table execution_attempts
  add column agent_id uuid,
  add column tool text,
  add column begun_at timestamptz; -- null: before it was written down
alter table execution_attempts alter column begun_at set default now();
create index execution_attempts_begun on execution_attempts (tenant_id, begun_at);

-- When the log-in was that a token came of, however often it was renewed.
alter table tokens add column began_at timestamptz not null default now();

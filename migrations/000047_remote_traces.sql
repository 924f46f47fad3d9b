-- What is left of the work of agents elsewhere goes by age, as what is left of other runs.
grant delete on remote_tasks, run_calls to wheelhouse_app;
create index remote_tasks_age on remote_tasks (tenant_id, ended_at, id) where ended_at is not null;
create index run_calls_age on run_calls (tenant_id, asked_at, id);

-- Whether somebody may claim is asked whenever an agent is set to work, and keys are as many as runs were.
create index api_keys_that_claim on api_keys (tenant_id)
  where 'agents:claim' = any(scopes) and run_id is null and agent_id is null and revoked_at is null;

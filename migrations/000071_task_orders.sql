-- What was asked for of a run as a task: one row an attempt, written with its run. What fails is tried again by another run.
create table task_orders (
  run_id uuid primary key references runs,
  tenant_id uuid not null references tenants,
  -- The run of the first attempt, and the integer that the doors know: the same for all attempts at one task.
  task_id uuid not null,
  number int not null,
  -- From 1; after the first it may fail so many times more.
  attempt int not null check (attempt > 0),
  retries int not null,
  kind text not null,
  priority text not null,
  payload jsonb not null,
  -- Not before.
  run_at timestamptz,
  -- Another attempt came after this one: what stands is there.
  superseded boolean not null default false,
  created_at timestamptz not null,
  unique (task_id, attempt)
);
create index task_orders_number on task_orders (tenant_id, number, attempt desc);
create index task_orders_list on task_orders (tenant_id, number desc) where not superseded;
select isolate('task_orders', 'select, insert, update');

-- How many tasks of an agent have begun: those that wait for people are among them.
create index runs_begun on runs (tenant_id, agent_id)
  where status in ('running', 'pending_approval', 'awaiting_access', 'awaiting_user_response', 'blocked');

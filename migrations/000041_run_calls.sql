-- Tool calls that agents elsewhere ask for, as they asked: before their run carries them out, at a step of its ledger.
create table run_calls (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  run_id uuid not null references runs,
  tool text not null,
  args jsonb not null,
  why text,
  -- The gate whose approval it uses up.
  gate_id uuid references gates,
  asked_at timestamptz not null default now(),
  -- Given once, when it is first tried.
  step int,
  -- What an approval is good for, where people have to decide.
  seal text,
  unique (run_id, step)
);
select isolate('run_calls', 'select, insert, update');

-- An approval is good for one call: whichever is about to be carried out first has it, and no other after that, whatever came of it.
create table gate_uses (
  gate_id uuid primary key references gates,
  tenant_id uuid not null references tenants,
  -- The step of the ledger that has it: what tries that step again has it too.
  owner_id uuid not null,
  step int not null,
  used_at timestamptz not null default now()
);
select isolate('gate_uses', 'select, insert');

-- The credential that asked: once it is over, what it asked for and nobody has begun with is not begun.
alter table run_calls add column key_id uuid;

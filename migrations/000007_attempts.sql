-- Attempts at calls that touch the outside world. The number is the attempt's fencing token: whoever holds a lower one
-- than stands here was given up on, and neither the outside world nor the ledger hears it any more.
create table execution_attempts (
  tenant_id uuid not null references tenants,
  owner_id uuid not null,
  step int not null,
  attempt int not null,
  primary key (tenant_id, owner_id, step)
);
select isolate('execution_attempts', 'select, insert, update');

-- Card payments and their disputes, as the tenant's own systems tell them. Nothing is ever changed: the same id with other
-- content is refused.

create table transactions (
  tenant_id uuid not null references tenants,
  transaction_id uuid not null,
  occurred_at timestamptz not null,
  customer_id text collate "C" not null,
  terminal_id text collate "C" not null,
  amount numeric(13, 4) not null,
  primary key (tenant_id, transaction_id)
);
-- What is asked of a history: the newest before a moment.
create index transactions_customer on transactions (tenant_id, customer_id, occurred_at desc);
create index transactions_terminal on transactions (tenant_id, terminal_id, occurred_at desc);
create index transactions_time on transactions (tenant_id, occurred_at);
select isolate('transactions', 'select, insert');

-- With the customer and terminal of its transaction, so that those of either are found by an index.
create table disputes (
  tenant_id uuid not null,
  transaction_id uuid not null,
  disputed_at timestamptz not null,
  customer_id text collate "C" not null,
  terminal_id text collate "C" not null,
  primary key (tenant_id, transaction_id),
  foreign key (tenant_id, transaction_id) references transactions
);
create index disputes_customer on disputes (tenant_id, customer_id, disputed_at desc);
create index disputes_terminal on disputes (tenant_id, terminal_id, disputed_at desc);
select isolate('disputes', 'select, insert');

-- The analysts that there are may look at them.
insert into agent_grants (id, tenant_id, agent_id, tool, effect)
  select gen_random_uuid(), a.tenant_id, a.id, tool, 'ALLOW'
  from agents a, unnest(array['transaction', 'customer_history', 'terminal_history', 'neighbours']) tool
  where a.name = 'analyst' and a.harness = 'embedded'
  on conflict do nothing;

-- What ties tickets to the systems where they are kept as well: what was last seen there, and what is still to be told.

create table ticket_links (
  ticket_id uuid primary key references tickets,
  tenant_id uuid not null references tenants,
  provider text not null,
  remote_class text,
  -- Null until the provider is known to have it. One sequence of numbers runs over all its classes.
  remote_key text,
  push text check (push in ('create', 'update')),
  close_reason text,
  attempts int not null default 0,
  -- Committed before the provider is asked to create: from then on it may have, whatever came back.
  creating_until timestamptz,
  last_error text,
  next_try_at timestamptz,
  synced_at timestamptz,
  pulled jsonb,
  pulled_digest text
);
create unique index ticket_links_remote on ticket_links (tenant_id, provider, remote_key);
create index ticket_links_due on ticket_links (tenant_id, next_try_at) where push is not null or close_reason is not null;
select isolate('ticket_links', 'select, insert, update');

-- How far the provider's tickets are known, and how the last look at all of them went.
create table provider_states (
  tenant_id uuid not null references tenants,
  provider text not null,
  -- The highest number that is known: what is above it is new. Null: nobody has looked at all of them yet.
  known_max bigint,
  discovered_at timestamptz,
  full_at timestamptz,
  synced int,
  errors int,
  created int,
  last_error text,
  primary key (tenant_id, provider)
);
select isolate('provider_states', 'select, insert, update');

-- An entry of a provider's log becomes one note, whoever brings it: only the control plane itself writes these.
create unique index ticket_notes_provider on ticket_notes (tenant_id, external_ref)
  where source = 'itop' and actor ->> 'kind' = 'system';

-- What was written before there were providers asks for nothing.
insert into cursors (tenant_id, reader, seq) select tenant_id, 'ticket sync', max(seq) from log group by 1;

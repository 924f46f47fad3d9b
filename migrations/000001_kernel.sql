-- The kernel: tenants held apart by forced row-level security, identity, and the log.

do $$ begin
  if not exists (select from pg_roles where rolname = 'wheelhouse_app') then
    create role wheelhouse_app nologin nosuperuser nobypassrls;
  end if;
exception when duplicate_object or unique_violation then null; -- two databases of one server migrate at once
end $$;
grant wheelhouse_app to current_user;
grant usage on schema public to wheelhouse_app;

create function current_tenant() returns uuid language sql stable parallel safe
  as $$ select nullif(current_setting('app.tenant', true), '')::uuid $$;

-- Every table of a tenant: forced isolation, and the rights of the application.
create function isolate(name regclass, rights text) returns void language plpgsql as $$
begin
  execute format('alter table %s enable row level security', name);
  execute format('alter table %s force row level security', name);
  execute format('create policy tenant on %s using (tenant_id = (select current_tenant())) with check (tenant_id = (select current_tenant()))', name);
  execute format('grant %s on %s to wheelhouse_app', rights, name);
end $$;

create table tenants (
  id uuid primary key,
  slug text not null unique,
  name text not null,
  -- Who counts as requester when an agent asked: the caller behind it too (strict), or the agent alone.
  four_eyes text not null default 'strict' check (four_eyes in ('strict', 'agent_only')),
  operator_signals boolean not null default false,
  created_at timestamptz not null default now()
);
alter table tenants enable row level security;
alter table tenants force row level security;
-- Work that belongs to no tenant (the dispatcher, the sweeper) may list tenants, and nothing else of them.
create policy own on tenants using (id = (select current_tenant()) or current_setting('app.system', true) = 'on');
grant select on tenants to wheelhouse_app;

create table users (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  email text not null,
  full_name text not null,
  role text not null,
  password_hash text not null,
  is_active boolean not null default true,
  created_at timestamptz not null default now()
);
create unique index users_email on users (tenant_id, lower(email));
select isolate('users', 'select, insert, update');

create table agents (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  number int generated always as identity unique,
  name text not null,
  description text not null default '',
  harness text not null,
  model text,
  status text not null default 'ACTIVE',
  created_at timestamptz not null default now(),
  unique (tenant_id, name)
);
select isolate('agents', 'select, insert, update');

create table agent_grants (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  agent_id uuid not null references agents,
  tool text not null,
  effect text not null check (effect in ('ALLOW', 'DENY')),
  granted_at timestamptz not null default now(),
  unique (agent_id, tool)
);
select isolate('agent_grants', 'select, insert, update, delete');

create table api_keys (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  name text not null,
  key_hash text not null unique,
  key_prefix text not null,
  role text not null,
  scopes text[] not null,
  -- Whom the key acts as: a user, an agent, or neither (then the key is a service of its own).
  user_id uuid references users,
  agent_id uuid references agents,
  run_id uuid,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz
);
create index api_keys_tenant on api_keys (tenant_id, created_at desc, id);
select isolate('api_keys', 'select, insert, update');
-- Before the tenant is known, a key is found by its hash alone: who shows the key may see its row.
create policy presented on api_keys for select using (key_hash = current_setting('app.key_hash', true));

create table kill_switches (
  tenant_id uuid primary key references tenants,
  engaged boolean not null,
  reason text,
  changed_by jsonb not null,
  changed_at timestamptz not null
);
select isolate('kill_switches', 'select, insert, update');

-- Keys that sign: receipts, tokens, assertions of who decided. Private halves are encrypted under the master key.
create table signing_keys (
  fingerprint text primary key,
  purpose text not null check (purpose in ('receipt', 'token', 'assertion')),
  public_pem text not null,
  private_sealed bytea not null,
  created_at timestamptz not null default now(),
  retired_at timestamptz
);
create unique index signing_keys_current on signing_keys (purpose) where retired_at is null;
alter table signing_keys enable row level security;
alter table signing_keys force row level security;
create policy installation on signing_keys using (true);
grant select on signing_keys to wheelhouse_app;

create table idempotency_keys (
  tenant_id uuid not null references tenants,
  principal_id uuid not null,
  route text not null,
  key text not null,
  body_digest text not null,
  -- Null while the first request runs; encrypted, because an answer may hold a secret that is shown once.
  answer_sealed bytea,
  started_at timestamptz not null default now(),
  expires_at timestamptz not null,
  primary key (tenant_id, principal_id, route, key)
);
create index idempotency_keys_expiry on idempotency_keys (expires_at);
select isolate('idempotency_keys', 'select, insert, update, delete');

-- Points used by a credential in its window: no personal data, lost with a crash, shared by every API process.
create unlogged table rate_limits (
  key text primary key,
  points integer not null default 0,
  expire bigint
);
alter table rate_limits enable row level security;
alter table rate_limits force row level security;
create policy installation on rate_limits using (true);
grant select, insert, update, delete on rate_limits to wheelhouse_app;

-- One append-only log per tenant. `hash` chains every entry; `event_hash` is the audit door's chain, in 16 shards.
create table log (
  tenant_id uuid not null references tenants,
  seq bigint not null,
  id uuid not null,
  at timestamptz not null,
  kind text not null,
  actor jsonb not null,
  subject_kind text not null,
  subject_id text not null,
  version int,
  transition text,
  ticket_id uuid,
  run_id uuid,
  agent_id uuid,
  tool text,
  decision text not null,
  reason text,
  request_id text,
  correlation_id text,
  body jsonb not null,
  digest text not null,
  prev_hash text not null,
  hash text not null,
  chain_shard smallint not null,
  event_prev text not null,
  event_hash text not null,
  primary key (tenant_id, seq)
);
create unique index log_id on log (tenant_id, id);
create unique index log_request on log (tenant_id, request_id) where request_id is not null;
create unique index log_transition on log (tenant_id, subject_id, transition) where transition is not null;
create index log_shard on log (tenant_id, chain_shard, seq desc);
create index log_subject on log (tenant_id, subject_id, seq desc);
create index log_ticket on log (tenant_id, ticket_id, seq desc) where ticket_id is not null;
create index log_run on log (tenant_id, run_id, seq) where run_id is not null;
select isolate('log', 'select, insert');

create function refuse_change() returns trigger language plpgsql as $$
begin raise exception 'the log is append-only' using errcode = 'insufficient_privilege'; end $$;
create trigger append_only before update or delete on log for each row execute function refuse_change();
create trigger append_only_all before truncate on log execute function refuse_change();

-- The receipt that was signed when the entry was written: the same bytes for ever, whatever key signs today.
create table receipts (
  tenant_id uuid not null references tenants,
  entry_id uuid not null,
  receipt text not null,
  signature text not null,
  fingerprint text not null references signing_keys,
  primary key (tenant_id, entry_id)
);
select isolate('receipts', 'select, insert');
create trigger append_only before update or delete on receipts for each row execute function refuse_change();

-- Where a reader of the log stands.
create table cursors (
  tenant_id uuid not null references tenants,
  reader text not null,
  seq bigint not null,
  primary key (tenant_id, reader)
);
select isolate('cursors', 'select, insert, update');

-- Appends to the tenant's log, in order, under the tenant's lock; the last thing a transaction does.
create function append_log(entries jsonb)
  returns table (o_seq bigint, o_id uuid, o_at text, o_hash text, o_prev text, o_shard smallint, o_event_hash text, o_event_prev text)
  language plpgsql as $$
declare
  tenant constant uuid := current_tenant();
  zeros constant text := repeat('0', 64);
  e jsonb;
  tail_seq bigint;
  tail_at timestamptz;
  tail_hash text;
  shard_hash text;
  now_at timestamptz;
begin
  perform pg_advisory_xact_lock(hashtextextended('log:' || tenant::text, 0));
  select l.seq, l.at, l.hash into tail_seq, tail_at, tail_hash
    from log l where l.tenant_id = tenant order by l.seq desc limit 1;
  tail_seq := coalesce(tail_seq, 0);
  tail_hash := coalesce(tail_hash, zeros);
  for e in select jsonb_array_elements(entries) loop
    o_seq := tail_seq + 1;
    now_at := greatest(clock_timestamp(), tail_at + interval '1 microsecond');
    o_id := (e ->> 'id')::uuid;
    o_at := to_char(now_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"');
    o_shard := (e ->> 'shard')::smallint;
    o_prev := tail_hash;
    select l.event_hash into shard_hash from log l
      where l.tenant_id = tenant and l.chain_shard = o_shard order by l.seq desc limit 1;
    o_event_prev := coalesce(shard_hash, zeros);
    o_event_hash := encode(sha256(convert_to(o_event_prev || (e ->> 'event'), 'UTF8')), 'hex');
    o_hash := encode(sha256(convert_to(
      concat_ws(E'\n', o_prev, o_seq, o_at, e ->> 'digest', o_event_prev, o_event_hash), 'UTF8')), 'hex');
    insert into log values (
      tenant, o_seq, o_id, now_at, e ->> 'kind', e -> 'actor', e ->> 'subject_kind', e ->> 'subject_id',
      (e ->> 'version')::int, e ->> 'transition', (e ->> 'ticket_id')::uuid, (e ->> 'run_id')::uuid,
      (e ->> 'agent_id')::uuid, e ->> 'tool', e ->> 'decision', e ->> 'reason', e ->> 'request_id',
      e ->> 'correlation_id', e -> 'body', e ->> 'digest', o_prev, o_hash, o_shard, o_event_prev, o_event_hash);
    tail_seq := o_seq;
    tail_at := now_at;
    tail_hash := o_hash;
    return next;
  end loop;
end $$;

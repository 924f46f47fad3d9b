-- Transparency: a signed Merkle root over the receipts of each day (UTC), chained to the day before, and the tree of those days.

-- What of each day's log the trees hold by now. The cursor `transparency` says how far into the log that is.
create table transparency_days (
  tenant_id uuid not null references tenants,
  root_date date not null,
  leaf_count int not null,
  -- Of its first and last leaf; null while it has none.
  first_leaf_seq bigint,
  last_leaf_seq bigint,
  -- Of its last entry, with a receipt or without.
  last_seq bigint not null,
  primary key (tenant_id, root_date)
);
select isolate('transparency_days', 'select, insert, update');

-- Complete nodes of a day's tree in both recipes, 256 hashes of 32 bytes to a row: those of level 1 are over 256 leaves each.
create table transparency_tiles (
  tenant_id uuid not null references tenants,
  root_date date not null,
  level smallint not null,
  n int not null,
  v1 bytea not null,
  rfc6962 bytea not null,
  -- Of level 0: the entry that its first leaf is of.
  first_seq bigint,
  primary key (tenant_id, root_date, level, n)
);
-- Hashes are not worth the attempt to compress them.
alter table transparency_tiles alter column v1 set storage external, alter column rfc6962 set storage external;
create index transparency_tiles_place on transparency_tiles (tenant_id, root_date, first_seq) where level = 0;
select isolate('transparency_tiles', 'select, insert, update');

create function refuse_other_hashes() returns trigger language plpgsql as $$
begin
  if substring(new.v1 for length(old.v1)) <> old.v1 or substring(new.rfc6962 for length(old.rfc6962)) <> old.rfc6962 then
    raise exception 'a tree only grows' using errcode = 'insufficient_privilege';
  end if;
  return new;
end $$;
create trigger only_grows before update on transparency_tiles for each row execute function refuse_other_hashes();
create trigger stays before delete on transparency_tiles for each row execute function refuse_change();

create table transparency_roots (
  tenant_id uuid not null references tenants,
  root_date date not null,
  root_hash text not null,
  prev_root_hash text,
  rfc6962_root text not null,
  leaf_count int not null,
  first_id uuid,
  last_id uuid,
  window_end timestamptz not null,
  -- The text that was signed, and by what.
  receipt text not null,
  signature text not null,
  fingerprint text not null references signing_keys,
  computed_at timestamptz not null default now(),
  -- Of a day that is over, and sealed: its place in the tree of days, its leaf there, and the checkpoint that it made, signed.
  day int,
  day_leaf text,
  checkpoint text,
  primary key (tenant_id, root_date),
  check ((day is null) = (checkpoint is null) and (day is null) = (day_leaf is null))
);
create unique index transparency_roots_day on transparency_roots (tenant_id, day) where day is not null;
select isolate('transparency_roots', 'select, insert, update');

create function refuse_other_root() returns trigger language plpgsql as $$
begin
  if old.day is not null then
    raise exception 'the root of a day that is sealed stands' using errcode = 'insufficient_privilege';
  end if;
  return new;
end $$;
create trigger sealed before update on transparency_roots for each row execute function refuse_other_root();
create trigger stays before delete on transparency_roots for each row execute function refuse_change();

-- Lines of a checkpoint by others who have seen it (C2SP cosignature/v1).
create table transparency_cosignatures (
  tenant_id uuid not null references tenants,
  root_date date not null,
  witness text not null,
  line text not null,
  at timestamptz not null,
  primary key (tenant_id, root_date, witness)
);
select isolate('transparency_cosignatures', 'select, insert');
create trigger append_only before update or delete on transparency_cosignatures for each row execute function refuse_change();

-- Tenants that have a day which is over and has no sealed root.
create function tenants_unsealed() returns setof uuid language plpgsql as $$
declare
  tenant uuid;
  today constant date := (clock_timestamp() at time zone 'utc')::date;
begin
  for tenant in select id from tenants order by id loop
    perform set_config('app.tenant', tenant::text, true);
    if exists (select from transparency_days d where d.tenant_id = tenant and d.root_date < today)
      and not exists (select from transparency_roots r where r.tenant_id = tenant and r.root_date = today - 1 and r.day is not null) then
      return next tenant;
    end if;
  end loop;
  perform set_config('app.tenant', '', true);
end $$;

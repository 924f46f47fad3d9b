-- Erasure of a person (docs/erasure.md). What the log says of a user's address is sealed with a key that is made of this secret and of
-- the master key: once the secret is gone, nobody can read it any more, and every hash and signature over it still holds.
alter table users
  -- Null: shredded. Two random uuids have 244 random bits.
  add column log_secret bytea default sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())),
  add column erased_at timestamptz,
  add constraint erased_for_good check (erased_at is null or is_active is false);

-- Notes on entries are never changed but for this.
drop trigger append_only on audit_notes;
create trigger append_only before update on audit_notes for each row
  when (current_setting('app.erasing', true) is distinct from 'on') execute function refuse_change();
create trigger append_only_rows before delete on audit_notes for each row execute function refuse_change();

-- Tables of a tenant with words in them, but for those whose rows are hashed or signed.
create function erasable_tables() returns setof text language sql stable as $$
  select c.relname::text from pg_class c
  where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
    and c.relname not in ('log', 'receipts', 'transparency_roots', 'transparency_tiles', 'transparency_cosignatures')
    and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id')
  order by 1
$$;

-- Puts the user's marker where the tenant's rows of that table say `address`, whatever their case; how many rows it was. As the owner,
-- because the application may only add to many of these tables; and only for a user who is erased by this very transaction.
create function erase_address(in_table text, erased uuid, address text) returns bigint
  language plpgsql security definer set search_path = public, pg_temp as $$
declare
  tenant constant uuid := current_tenant();
  marker constant text := 'erased-' || erased || '@erased.invalid';
  -- Not within a longer address.
  pattern constant text := '(?<![[:alnum:]_.+-])' || regexp_replace(address, '([^[:alnum:]@_-])', '\\\1', 'g') || '(?![[:alnum:]_-]|\.[[:alnum:]])';
  sets text;
  holds text;
  n bigint;
begin
  if tenant is null or in_table not in (select erasable_tables()) or address not like '_%@_%' then
    raise exception 'nothing to erase: % in %', address, in_table;
  end if;
  if not exists (select from users u where u.tenant_id = tenant and u.id = erased and u.erased_at = now() and u.email = marker) then
    raise exception 'nobody is erased';
  end if;
  select string_agg(format('%1$I = regexp_replace(%1$I::text, $1, $2, ''gi'')::%2$s', a.attname, format_type(a.atttypid, a.atttypmod)), ', '),
      string_agg(format('strpos(lower(%I::text), lower($4)) > 0', a.attname), ' or ')
    into sets, holds
    from pg_attribute a
    where a.attrelid = in_table::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
      and a.atttypid in ('text'::regtype, 'varchar'::regtype, 'text[]'::regtype, 'json'::regtype, 'jsonb'::regtype);
  if sets is null then
    return 0;
  end if;
  perform set_config('app.erasing', 'on', true);
  execute format('update %I set %s where tenant_id = $3 and (%s)', in_table, sets, holds) using pattern, marker, tenant, address;
  get diagnostics n = row_count;
  perform set_config('app.erasing', '', true);
  return n;
end $$;
revoke execute on function erase_address(text, uuid, text) from public;
grant execute on function erase_address(text, uuid, text) to wheelhouse_app;

-- The same for several at once, each under its own hash: what one of them opens is closed before the next is looked for.
-- In the order of the hashes, and past a key that somebody else is marking as used, so that nobody waits for anybody.
create or replace function presented_key(hash text) returns table (
  id uuid, tenant_id uuid, name text, role text, scopes text[], agent_id uuid, run_id uuid, expires_at timestamptz,
  revoked_at timestamptz, user_id uuid, email text, user_role text, is_active boolean, agent_name text, agent_status text,
  ticket_id uuid)
  language plpgsql as $$
#variable_conflict use_column
declare
  tenant uuid;
  used timestamptz;
begin
  perform set_config('app.key_hash', hash, true), set_config('app.tenant', '', true);
  select k.tenant_id, k.last_used_at into tenant, used from api_keys k where k.key_hash = hash;
  if tenant is null then return; end if;
  perform set_config('app.tenant', tenant::text, true);
  if used is null or used < now() - interval '1 minute' then
    update api_keys k set last_used_at = now()
      where k.id = (select l.id from api_keys l where l.key_hash = hash and l.last_used_at is not distinct from used for update skip locked);
  end if;
  return query select k.id, k.tenant_id, k.name, k.role, k.scopes, k.agent_id, k.run_id, k.expires_at, k.revoked_at,
      k.user_id, u.email, u.role, u.is_active, a.name, a.status, r.ticket_id
    from api_keys k left join users u on u.id = k.user_id left join agents a on a.id = k.agent_id left join runs r on r.id = k.run_id
    where k.key_hash = hash;
end $$;

create function presented_keys(hashes text[]) returns table (
  hash text, id uuid, tenant_id uuid, name text, role text, scopes text[], agent_id uuid, run_id uuid, expires_at timestamptz,
  revoked_at timestamptz, user_id uuid, email text, user_role text, is_active boolean, agent_name text, agent_status text,
  ticket_id uuid)
  language plpgsql as $$
declare
  one text;
begin
  foreach one in array hashes loop
    return query select one, k.* from presented_key(one) k;
  end loop;
  perform set_config('app.key_hash', '', true), set_config('app.tenant', '', true);
end $$;

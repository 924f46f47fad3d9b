-- What an entry says is kept as the very text that was hashed: canonical JSON, which jsonb would take apart and put together
-- in another order. Whoever verifies hashes it as it stands; entries from before are made canonical again by the verifier.
alter table log alter column actor type json using actor::text::json, alter column body type json using body::text::json;

-- A foreign key locks its row for every transaction that looks at it, and this row is the same for all writers of a tenant:
-- with many of them the lists of who holds it cost more than the insert. Every change has an entry in its transaction, and
-- the first of a log looks for the tenant (append_log); no role of the application can delete one.
alter table log drop constraint log_tenant_id_fkey;
alter table receipts drop constraint receipts_tenant_id_fkey;
alter table ticket_notes drop constraint ticket_notes_tenant_id_fkey;
alter table executions drop constraint executions_tenant_id_fkey;

-- As before; but `actor` and `body` come as canonical text, and entries of one shard in one append look for its end once.
create or replace function append_log(entries jsonb)
  returns table (o_seq bigint, o_id uuid, o_at text, o_hash text, o_prev text, o_shard smallint, o_event_hash text, o_event_prev text)
  language plpgsql as $$
declare
  tenant constant uuid := current_tenant();
  zeros constant text := repeat('0', 64);
  e jsonb;
  tail_at timestamptz;
  digest text;
  event_tails text[];
begin
  perform pg_advisory_xact_lock(hashtextextended('log:' || tenant::text, 0));
  select l.seq, l.at, l.hash into o_seq, tail_at, o_hash from log l where l.tenant_id = tenant order by l.seq desc limit 1;
  if o_seq is null then
    if not exists (select from tenants t where t.id = tenant) then
      raise exception 'there is no tenant %', tenant using errcode = 'foreign_key_violation';
    end if;
    o_seq := 0;
    o_hash := zeros;
  end if;
  for i in 0 .. jsonb_array_length(entries) - 1 loop
    e := entries -> i;
    digest := e ->> 'digest';
    o_id := e ->> 'id';
    o_shard := e ->> 'shard';
    o_event_prev := event_tails[o_shard];
    if o_event_prev is null then
      select l.event_hash into o_event_prev from log l
        where l.tenant_id = tenant and l.chain_shard = o_shard order by l.seq desc limit 1;
      o_event_prev := coalesce(o_event_prev, zeros);
    end if;
    o_event_hash := encode(sha256(convert_to(o_event_prev || (e ->> 'event'), 'UTF8')), 'hex');
    event_tails[o_shard] := o_event_hash;
    o_seq := o_seq + 1;
    tail_at := greatest(clock_timestamp(), tail_at + interval '1 microsecond');
    o_at := to_char(tail_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"');
    o_prev := o_hash;
    o_hash := encode(sha256(convert_to(
      concat_ws(E'\n', o_prev, o_seq, o_at, digest, o_event_prev, o_event_hash), 'UTF8')), 'hex');
    insert into log values (
      tenant, o_seq, o_id, tail_at, e ->> 'kind', (e ->> 'actor')::json, e ->> 'subject_kind', e ->> 'subject_id',
      (e ->> 'version')::int, e ->> 'transition', (e ->> 'ticket_id')::uuid, (e ->> 'run_id')::uuid,
      (e ->> 'agent_id')::uuid, e ->> 'tool', e ->> 'decision', e ->> 'reason', e ->> 'request_id',
      e ->> 'correlation_id', (e ->> 'body')::json, digest, o_prev, o_hash, o_shard, o_event_prev, o_event_hash);
    return next;
  end loop;
end $$;

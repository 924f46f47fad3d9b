-- A gate's row and its note in one statement, planned once a connection: the writer sends a whole transaction as one message.
-- What is handed over are rows as JSON, by the names of their columns.

create function write_note(note jsonb) returns void language sql as $$
  insert into ticket_notes (id, tenant_id, ticket_id, source, author, actor, body, visibility, external_ref, created_at)
  select n.id, n.tenant_id, n.ticket_id, n.source, n.author, n.actor, n.body, n.visibility, n.external_ref, n.created_at
  from jsonb_populate_record(null::ticket_notes, note) n
  on conflict do nothing
$$;

-- One version on. WH001: the row does not stand one version before. WH002: the tenant's policy is not what it was taken for.
create function move_gate(next jsonb, note jsonb, assumed_four_eyes text, assumed_signals boolean)
  returns void language plpgsql as $$
begin
  perform from tenants t
    where t.id = current_tenant() and t.four_eyes = assumed_four_eyes and t.operator_signals = assumed_signals;
  if not found then raise exception 'the policy is another by now' using errcode = 'WH002'; end if;
  update gates g set
      status = n.status, expires_at = n.expires_at, decided_by = n.decided_by, decided_label = n.decided_label,
      decided_at = n.decided_at, decision_reason = n.decision_reason, completed_by = n.completed_by,
      completed_at = n.completed_at, result = n.result, version = n.version
    from jsonb_populate_record(null::gates, next) n
    where g.id = n.id and g.version = n.version - 1;
  if not found then raise exception 'the gate stands elsewhere' using errcode = 'WH001'; end if;
  if note is not null then perform write_note(note); end if;
end $$;

-- The first row of a gate that people or agents ask for on a ticket; none when there is no such ticket (of those that
-- a caller bound to one may see), and what stands when the id is taken: a repeat.
create function open_gate(first jsonb, ticket int, bound_to uuid)
  returns table (o_number int, o_status text, o_ticket uuid, o_stood boolean) language plpgsql as $$
declare
  on_ticket uuid;
begin
  select t.id into on_ticket from tickets t where t.number = ticket and (bound_to is null or t.id = bound_to);
  if on_ticket is null then return; end if;
  return query insert into gates as g (
      id, tenant_id, ticket_id, run_id, agent_id, action, target, reason, command, risk_level, approval_policy, digest,
      status, requested_by, on_behalf_of, requested_at, expires_at, version)
    select n.id, n.tenant_id, on_ticket, n.run_id, n.agent_id, n.action, n.target, n.reason, n.command, n.risk_level,
      n.approval_policy, n.digest, n.status, n.requested_by, n.on_behalf_of, n.requested_at, n.expires_at, n.version
    from jsonb_populate_record(null::gates, first) n
    on conflict (id) do nothing returning g.number, g.status, g.ticket_id, false;
  if not found then
    return query select g.number, g.status, g.ticket_id, true from gates g where g.id = (first ->> 'id')::uuid;
  end if;
end $$;

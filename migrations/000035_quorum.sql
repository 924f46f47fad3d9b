-- By whom a change is decided: groups of people, rules that say whom an action needs, and the votes.

-- A group of a RACI matrix: who owns a kind of work, and whose members may decide on it.
create table raci_groups (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  number int generated always as identity unique,
  name text not null,
  description text not null default '',
  default_assignee text,
  risk_level text not null default 'medium',
  -- Where its members are reminded, and what that is signed with, under the master key.
  notify_channel text,
  secret_sealed bytea,
  enabled boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index raci_groups_name on raci_groups (tenant_id, lower(name));
select isolate('raci_groups', 'select, insert, update');

-- Users, and keys that are services of their own: whoever can decide.
create table raci_group_members (
  tenant_id uuid not null references tenants,
  group_id uuid not null references raci_groups,
  principal_id uuid not null,
  primary key (group_id, principal_id)
);
select isolate('raci_group_members', 'select, insert, delete');

-- What an action needs, whoever asks for it and whatever they say. Of those that match, the narrowest counts.
create table approval_rules (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  number int generated always as identity unique,
  name text not null,
  -- `*` stands for anything.
  action text not null,
  -- Empty: any.
  risk_levels text[] not null default '{}',
  -- quorum, remind, escalate, as an approval_policy has them.
  policy jsonb not null,
  enabled boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index approval_rules_name on approval_rules (tenant_id, lower(name));
create index approval_rules_enabled on approval_rules (tenant_id) where enabled;
select isolate('approval_rules', 'select, insert, update');

-- Small and capital letters are one: what an action is called is free text, and may not be how a rule is got round.
create function approval_rule_of(wanted text, risk text) returns setof approval_rules language sql stable as $$
  select r.* from approval_rules r
  where r.enabled and (r.risk_levels = '{}' or risk = any(r.risk_levels))
    and lower(wanted) like replace(replace(replace(replace(lower(r.action), '\', '\\'), '%', '\%'), '_', '\_'), '*', '%')
  order by length(replace(r.action, '*', '')) desc, cardinality(r.risk_levels) = 0, r.number limit 1
$$;

-- The expression and the people behind its names, as they were at the request (domain/quorum.ts); null: one decision is enough.
alter table gates add rule jsonb;

-- One a person, never changed: what they said, on what, and the API's signed word that it was they.
create table gate_votes (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  gate_id uuid not null references gates,
  voter_id uuid not null,
  voter jsonb not null,
  verdict text not null check (verdict in ('approve', 'reject')),
  label text,
  reason text,
  -- What the gate was sealed to.
  digest text,
  proof text not null,
  transition text not null,
  voted_at timestamptz not null
);
create unique index gate_votes_once on gate_votes (tenant_id, gate_id, voter_id);
select isolate('gate_votes', 'select, insert');

-- What happened by itself while a gate waited, each once.
create table gate_calls (
  tenant_id uuid not null references tenants,
  gate_id uuid not null references gates,
  kind text not null check (kind in ('remind', 'escalate')),
  n int not null,
  called_at timestamptz not null,
  primary key (gate_id, kind, n)
);
select isolate('gate_calls', 'select, insert');

-- Whoever counts the votes says so in their transaction; nothing else decides a gate that has a rule.
create function refuse_undecided() returns trigger language plpgsql as $$
begin
  if current_setting('app.counted', true) is distinct from new.id::text then
    raise exception 'this change is decided by votes' using errcode = 'WH003';
  end if;
  return new;
end $$;
create trigger decided_by_votes before update on gates for each row
  when (old.rule is not null and old.status = 'pending' and new.status in ('approved', 'rejected'))
  execute function refuse_undecided();

-- As before, with the rule. Where the tenant has one for the action and it was not looked at, nothing is written: `ruled`.
drop function open_gate(jsonb, int, uuid);
create function open_gate(first jsonb, ticket int, bound_to uuid, rule_known boolean)
  returns table (o_number int, o_status text, o_ticket uuid, o_stood boolean) language plpgsql as $$
declare
  on_ticket uuid;
begin
  select t.id into on_ticket from tickets t where t.number = ticket and (bound_to is null or t.id = bound_to);
  if on_ticket is null then return; end if;
  if not rule_known and exists (select from approval_rules r where r.enabled)
      and not exists (select from gates g where g.id = (first ->> 'id')::uuid)
      and exists (select from approval_rule_of(first ->> 'action', first ->> 'risk_level')) then
    return query select 0, 'ruled', on_ticket, false;
    return;
  end if;
  return query insert into gates as g (
      id, tenant_id, ticket_id, run_id, agent_id, action, target, reason, command, risk_level, approval_policy, digest,
      status, requested_by, on_behalf_of, requested_at, expires_at, version, rule)
    select n.id, n.tenant_id, on_ticket, n.run_id, n.agent_id, n.action, n.target, n.reason, n.command, n.risk_level,
      n.approval_policy, n.digest, n.status, n.requested_by, n.on_behalf_of, n.requested_at, n.expires_at, n.version, n.rule
    from jsonb_populate_record(null::gates, first) n
    on conflict (id) do nothing returning g.number, g.status, g.ticket_id, false;
  if not found then
    return query select g.number, g.status, g.ticket_id, true from gates g where g.id = (first ->> 'id')::uuid;
  end if;
end $$;

-- What the overview and the trail are read by.
create index tickets_created on tickets (tenant_id, created_at);
create index ticket_notes_list on ticket_notes (tenant_id, number desc);

-- The rows of the RACI matrix: who owns what, and whether an agent is set to work on it at once.
create table raci_rules (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  number int generated always as identity unique,
  name text not null,
  intent text not null,
  keywords text[] not null,
  ticket_class text not null,
  priority text not null,
  assignment_group text not null,
  responsible text not null,
  accountable text not null,
  consulted text[] not null,
  informed text[] not null,
  approval_required boolean not null,
  approval_action text,
  risk_level text not null,
  knowledge_tags text[] not null,
  auto_assign_agent boolean not null,
  auto_agent_model text,
  auto_agent_prompt text,
  enabled boolean not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index raci_rules_name on raci_rules (tenant_id, lower(name));
create index raci_rules_auto on raci_rules (tenant_id, number) where enabled and auto_assign_agent;
select isolate('raci_rules', 'select, insert, update');

-- Which rule set an agent to work on a ticket, once: the place among those that a rule may have at work is taken with it.
create table auto_assignments (
  ticket_id uuid primary key references tickets,
  tenant_id uuid not null references tenants,
  rule_id uuid not null references raci_rules,
  run_id uuid not null,
  score int not null,
  -- Another kept it from working after all: the place is free again.
  given_up text,
  assigned_at timestamptz not null default now()
);
create index auto_assignments_rule on auto_assignments (tenant_id, rule_id) where given_up is null;
select isolate('auto_assignments', 'select, insert, update');

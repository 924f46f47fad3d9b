-- What the governed calls of the log come to (docs/audit.md), so that a chart of a month reads some thousand cells and not a
-- million entries. As with the log's other tallies (000008_tallies.sql): what lies up to the cursor `calls` is in these
-- tables, the few entries after it are looked at when somebody asks, and an append pays nothing. Days and hours are UTC's.
-- Risk is kept in millionths, so that sums are exact in any order.

create table call_days (
  tenant_id uuid not null references tenants,
  day date not null,
  agent_id uuid,
  tool text,
  decision text not null,
  n bigint not null,
  scored bigint not null, -- how many of them have a risk
  risk bigint not null,
  first_at timestamptz not null,
  last_at timestamptz not null,
  unique nulls not distinct (tenant_id, day, agent_id, tool, decision)
);
select isolate('call_days', 'select, insert, update');

create table call_hours (
  tenant_id uuid not null references tenants,
  hour timestamptz not null,
  agent_id uuid,
  n bigint not null,
  denied bigint not null,
  scored bigint not null,
  risk bigint not null,
  unique nulls not distinct (tenant_id, hour, agent_id)
);
select isolate('call_hours', 'select, insert, update');

-- What an agent's habits are compared by, and nothing else: so the agent comes first.
create table call_tool_hours (
  tenant_id uuid not null references tenants,
  agent_id uuid not null,
  hour timestamptz not null,
  tool text,
  n bigint not null,
  unique nulls not distinct (tenant_id, agent_id, hour, tool)
);
select isolate('call_tool_hours', 'select, insert, update');

-- How many calls of which hundredth of risk: 0 to 100.
create table call_risks (
  tenant_id uuid not null references tenants,
  day date not null,
  agent_id uuid,
  bin smallint not null,
  n bigint not null,
  unique nulls not distinct (tenant_id, day, agent_id, bin)
);
select isolate('call_risks', 'select, insert, update');

-- `kind` is finding, or reason of a refusal.
create table call_words (
  tenant_id uuid not null references tenants,
  day date not null,
  agent_id uuid,
  kind text not null,
  word text not null,
  n bigint not null,
  unique nulls not distinct (tenant_id, day, agent_id, kind, word)
);
select isolate('call_words', 'select, insert, update');

-- The calls worth a look, one by one: those that were stopped, and those with a risk from 0.30 on.
create table call_marks (
  tenant_id uuid not null references tenants,
  seq bigint not null,
  agent_id uuid,
  bin smallint not null, -- -1: without a risk
  mark text, -- agent_kill, escalation, policy_deny, high_risk; null: none of these
  primary key (tenant_id, seq)
);
create index call_marks_risk on call_marks (tenant_id, bin, seq);
create index call_marks_agent on call_marks (tenant_id, agent_id, bin, seq);
create index call_marks_mark on call_marks (tenant_id, mark, seq) where mark is not null;
select isolate('call_marks', 'select, insert');

-- The risk that an entry's body holds, in millionths; null when it holds none. A body with what Postgres has no text for is
-- not taken apart.
create function call_risk(body json) returns int language sql immutable parallel safe
  return case
    when strpos(body::text, '\u0000') > 0 then null
    when (body ->> 'risk_score') ~* '^[0-9]{1,9}(\.[0-9]{1,30})?(e-?[0-9]{1,2})?$'
      then (least(1, (body ->> 'risk_score')::numeric) * 1000000)::int
  end;

create function call_findings(body json) returns text[] language sql immutable parallel safe
  return case when strpos(body::text, '\u0000') = 0 and json_typeof(body -> 'findings') = 'array' then
    array(select distinct left(f, 200) from json_array_elements_text(body -> 'findings') f where f is not null)
  else '{}'::text[] end;

create function call_denied(decision text) returns boolean language sql immutable parallel safe
  return decision in ('deny', 'block', 'kill');

create function call_mark(decision text, risk int) returns text language sql immutable parallel safe
  return case decision when 'kill' then 'agent_kill' when 'escalate' then 'escalation' when 'deny' then 'policy_deny'
    when 'block' then 'policy_deny' else case when risk >= 700000 then 'high_risk' end end;

-- The governed calls between two places of the log: after the first, up to the second.
create function governed_calls(after bigint, upto bigint) returns table (
  seq bigint, at timestamptz, day date, hour timestamptz, agent_id uuid, tool text, decision text, reason text, risk int, body json)
  language sql stable as $$
  select l.seq, l.at, (l.at at time zone 'utc')::date, date_trunc('hour', l.at, 'utc'), l.agent_id, l.tool, l.decision, l.reason,
    call_risk(l.body), l.body
  from log l
  where l.tenant_id = current_tenant() and l.seq > after and l.seq <= upto and starts_with(l.kind, 'execution.')
$$;

-- How far they are. Not as a subselect, like log_tallied().
create function calls_tallied() returns bigint language plpgsql stable parallel safe as $$
begin
  return coalesce((select c.seq from cursors c where c.tenant_id = current_tenant() and c.reader = 'calls'), 0);
end $$;

-- What a call is counted under by name: its findings, and why it was refused.
create function call_says(decision text, reason text, body json) returns table (kind text, word text) language sql immutable as $$
  select 'finding', f from unnest(call_findings(body)) f
  union all
  select 'reason', left(coalesce(reason, 'unspecified'), 200) where call_denied(decision)
$$;

-- Takes in the next entries of the tenant, `most` of them and up to a multiple of 128; gives how many that were. Another at
-- it: none. What an installation has from before is taken in the same way.
create function tally_calls(most bigint) returns bigint language plpgsql as $$
#variable_conflict use_column
declare
  tenant constant uuid := current_tenant();
  done bigint;
  upto bigint;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('cursor:calls:' || tenant::text, 0)) then return 0; end if;
  done := calls_tallied();
  select l.seq - l.seq % 128 into upto from log l where l.tenant_id = tenant order by l.seq desc limit 1;
  upto := least(upto, done + most - most % 128);
  if upto is null or upto <= done then return 0; end if;
  with calls as materialized (
    select * from governed_calls(done, upto)
  ), days as (
    insert into call_days as t (tenant_id, day, agent_id, tool, decision, n, scored, risk, first_at, last_at)
      select tenant, day, agent_id, tool, decision, count(*), count(risk), coalesce(sum(risk), 0), min(at), max(at)
      from calls group by 2, 3, 4, 5
      on conflict (tenant_id, day, agent_id, tool, decision) do update set n = t.n + excluded.n,
        scored = t.scored + excluded.scored, risk = t.risk + excluded.risk,
        first_at = least(t.first_at, excluded.first_at), last_at = greatest(t.last_at, excluded.last_at)
  ), hours as (
    insert into call_hours as t (tenant_id, hour, agent_id, n, denied, scored, risk)
      select tenant, hour, agent_id, count(*), count(*) filter (where call_denied(decision)), count(risk), coalesce(sum(risk), 0)
      from calls group by 2, 3
      on conflict (tenant_id, hour, agent_id) do update set n = t.n + excluded.n, denied = t.denied + excluded.denied,
        scored = t.scored + excluded.scored, risk = t.risk + excluded.risk
  ), tools as (
    insert into call_tool_hours as t (tenant_id, agent_id, hour, tool, n)
      select tenant, agent_id, hour, tool, count(*) from calls where agent_id is not null group by 2, 3, 4
      on conflict (tenant_id, agent_id, hour, tool) do update set n = t.n + excluded.n
  ), risks as (
    insert into call_risks as t (tenant_id, day, agent_id, bin, n)
      select tenant, day, agent_id, risk / 10000, count(*) from calls where risk is not null group by 2, 3, 4
      on conflict (tenant_id, day, agent_id, bin) do update set n = t.n + excluded.n
  ), words as (
    insert into call_words as t (tenant_id, day, agent_id, kind, word, n)
      select tenant, day, agent_id, kind, word, count(*) from calls, call_says(decision, reason, body) group by 2, 3, 4, 5
      on conflict (tenant_id, day, agent_id, kind, word) do update set n = t.n + excluded.n
  ), marks as (
    insert into call_marks (tenant_id, seq, agent_id, bin, mark)
      select tenant, seq, agent_id, coalesce(risk / 10000, -1), call_mark(decision, risk)
      from calls where risk >= 300000 or call_mark(decision, risk) is not null
  )
  insert into cursors (tenant_id, reader, seq) values (tenant, 'calls', upto)
    on conflict (tenant_id, reader) do update set seq = excluded.seq;
  return upto - done;
end $$;

-- Who wrote a postmortem that was derived from the records, the rules or a model, and why not the other; `pending`: a model is at it,
-- and what stands meanwhile is the rules'. Null: somebody wrote it.
alter table postmortems add synthesis jsonb;

-- One row an attempt at having a model write one: reserved first, with the tokens and the money that are set aside for it, then
-- settled, once. What was asked is put together from rows, and what was said is the postmortem: digests are kept of both.
create table synthesis_attempts (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  postmortem_id uuid not null references postmortems,
  attempt int not null,
  state text not null,
  model text not null,
  prompt_digest text not null,
  answer_digest text,
  tokens_in int not null,
  tokens_out int not null,
  -- Millionths of the currency that prices are given in.
  cost_micros bigint not null,
  estimated boolean not null,
  error text,
  started_at timestamptz not null,
  duration_ms float8,
  unique (postmortem_id, attempt)
);
create index synthesis_attempts_day on synthesis_attempts (tenant_id, started_at);
select isolate('synthesis_attempts', 'select, insert, update');

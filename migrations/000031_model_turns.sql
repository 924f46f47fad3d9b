-- What a model was asked in a run, and what it said: one row an attempt. Written first as reserved, with the tokens and the
-- money that are set aside for it, then settled, once. The prompt is put together from rows, so its digest is kept, not it.
create table model_turns (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  run_id uuid not null references runs,
  turn int not null,
  attempt int not null,
  purpose text not null,
  state text not null,
  model text not null,
  -- The ledger's next free step: the first call of the turn has it.
  step int not null,
  heard int not null,
  covers int,
  prompt_digest text not null,
  prompt_chars int not null,
  text text not null,
  calls jsonb not null,
  stop_reason text,
  tokens_in int not null,
  tokens_out int not null,
  cost_micros bigint not null,
  estimated boolean not null,
  error text,
  started_at timestamptz not null,
  duration_ms float8,
  unique (run_id, turn, attempt)
);
-- One that stands for each turn: what the model said, or that it was not asked.
create unique index model_turns_standing on model_turns (run_id, turn) where state in ('answered', 'refused');
select isolate('model_turns', 'select, insert, update');

-- What a model thought before it spoke, as its endpoint signed it: it wants that back with what came of the calls.
alter table model_turns add reasoning jsonb not null default '[]';

-- The profile that the run was spawned with: what all its runs spend in a day may be bounded.
alter table model_turns add profile_id text;
create index model_turns_profile on model_turns (tenant_id, profile_id, started_at) where profile_id is not null;

-- A note that its provider refuses: how often, why, and since when it is tried no more. Those behind it go on then.
alter table provider_notes alter column told_at drop not null;
alter table provider_notes alter column told_at drop default;
alter table provider_notes add column refusals int not null default 0;
alter table provider_notes add column refusal text;
alter table provider_notes add column given_up_at timestamptz;
create index provider_notes_given_up on provider_notes (ticket_id) where given_up_at is not null;
grant update on provider_notes to wheelhouse_app;

-- What is told to a provider beside the ticket itself: who has it, what was noted on it; and of an access request, its child ticket.

-- Who answers for the access, as the matrix said when it was asked for.
alter table access_requests add column raci jsonb;
-- What the caller called who asked.
alter table access_requests add column label text;
-- The provider that gets the child ticket as well; null: it is kept here alone.
alter table access_requests add column sync_provider text;

-- Which fields were changed here and are to be changed there, by the names that they have here.
alter table ticket_links add column fields text[] not null default '{}';
-- Whether there are notes to tell, and behind which of them those begin: what was noted before there was a link is not told.
alter table ticket_links add column notes boolean not null default false;
alter table ticket_links add column notes_after int not null default 0;
update ticket_links l set notes_after =
  coalesce((select max(n.number) from ticket_notes n where n.ticket_id = l.ticket_id), 0);
drop index ticket_links_due;
create index ticket_links_due on ticket_links (tenant_id, next_try_at)
  where push is not null or close_reason is not null or notes or fields <> '{}';

-- A note that the provider has, once.
create table provider_notes (
  note_id uuid primary key references ticket_notes,
  tenant_id uuid not null references tenants,
  ticket_id uuid not null references tickets,
  told_at timestamptz not null default now()
);
create index provider_notes_ticket on provider_notes (tenant_id, ticket_id);
select isolate('provider_notes', 'select, insert');

-- What people say about an entry of the log (docs/audit.md). Never changed: who erred says so in another note.
create table audit_notes (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  entry_id uuid not null,
  note_type text not null,
  body text not null,
  author jsonb not null,
  created_at timestamptz not null default clock_timestamp()
);
create index audit_notes_entry on audit_notes (tenant_id, entry_id, created_at, id);
select isolate('audit_notes', 'select, insert');
create trigger append_only before update or delete on audit_notes for each row execute function refuse_change();

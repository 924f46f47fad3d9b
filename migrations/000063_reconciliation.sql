-- What the last reconciliation of a tenant's audit rows with its usage records found; shown as gauges.
create table reconciliations (
  tenant_id uuid primary key references tenants,
  audit_without_usage bigint not null,
  usage_without_audit bigint not null,
  outbox_pending_seconds double precision not null,
  reported_at timestamptz not null default now()
);
select isolate('reconciliations', 'select, insert, update');

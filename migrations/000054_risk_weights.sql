-- What each component counts in the risk of a call (docs/screening.md); a tenant without a row has the published weights.
create table risk_weights (
  tenant_id uuid primary key references tenants,
  weights jsonb not null,
  changed_by jsonb not null,
  changed_at timestamptz not null
);
select isolate('risk_weights', 'select, insert, update');

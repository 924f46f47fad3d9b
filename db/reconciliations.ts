import type { Read } from './tx';

export interface Reconciliation {
  auditWithoutUsage: number;
  usageWithoutAudit: number;
  outboxPendingSeconds: number;
}

/** In place of the one before. */
export async function putReconciliation(tx: Read, r: Reconciliation): Promise<void> {
  await tx.query(
    `insert into reconciliations (tenant_id, audit_without_usage, usage_without_audit, outbox_pending_seconds)
     values ($1, $2, $3, $4) on conflict (tenant_id) do update set audit_without_usage = $2, usage_without_audit = $3,
       outbox_pending_seconds = $4, reported_at = now()`,
    [tx.tenantId, r.auditWithoutUsage, r.usageWithoutAudit, r.outboxPendingSeconds],
  );
}

/** Null when none was ever reported. */
export async function reconciliation(tx: Read): Promise<Reconciliation | null> {
  const { rows } = await tx.query<Reconciliation & Record<string, unknown>>(
    `select audit_without_usage::float8 as "auditWithoutUsage", usage_without_audit::float8 as "usageWithoutAudit",
       outbox_pending_seconds as "outboxPendingSeconds" from reconciliations`,
  );
  return rows[0] ?? null;
}

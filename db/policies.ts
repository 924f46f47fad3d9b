import type { Read } from './tx';

export interface TenantPolicy {
  /** agent_only: who asked on behalf of an agent may approve what the agent asked for; logged at each use. */
  fourEyes: 'strict' | 'agent_only';
  /** Decisions by Signal from the Temporal UI or CLI, whose sender nothing proves. */
  operatorSignals: boolean;
  /** It has rules that say whom an action needs. */
  ruled: boolean;
}

export async function tenantPolicy(tx: Read): Promise<TenantPolicy> {
  const { rows } = await tx.query<{
    four_eyes: TenantPolicy['fourEyes'];
    operator_signals: boolean;
    ruled: boolean;
  }>(
    `select four_eyes, operator_signals, exists (select from approval_rules where enabled) as ruled
     from tenants where id = $1`,
    [tx.tenantId],
  );
  const row = rows[0];
  return {
    fourEyes: row?.four_eyes ?? 'strict',
    operatorSignals: row?.operator_signals ?? false,
    ruled: row?.ruled ?? false,
  };
}

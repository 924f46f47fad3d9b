import type { Actor } from '../domain/principal';
import type { Read } from './tx';

export type Weights = Record<string, number>;

/** Null: those that hold for everybody. `held`: nobody else changes them until the transaction ends. */
export async function weightsOf(tx: Read, held = false): Promise<Weights | null> {
  // There is no row to hold before the first change.
  if (held)
    await tx.query(`select pg_advisory_xact_lock(hashtextextended('risk_weights:' || $1::text, 0))`, [tx.tenantId]);
  const { rows } = await tx.query<{ weights: Weights }>('select weights from risk_weights');
  return rows[0]?.weights ?? null;
}

/** The next call is judged by them. */
export async function setWeights(tx: Read, weights: Weights, changedBy: Actor): Promise<void> {
  await tx.query(
    `insert into risk_weights (tenant_id, weights, changed_by, changed_at) values ($1, $2, $3, now())
     on conflict (tenant_id) do update set weights = $2, changed_by = $3, changed_at = now()`,
    [tx.tenantId, JSON.stringify(weights), changedBy],
  );
}

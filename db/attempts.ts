import type { Read } from './tx';

/** Begins another attempt at a step and gives its number, which grows by one; earlier attempts are void from its commit on. */
export async function beginAttempt(
  tx: Read,
  ownerId: string,
  step: number,
  call: { agentId: string; tool: string },
): Promise<number> {
  const { rows } = await tx.query<{ attempt: number }>(
    `insert into execution_attempts (tenant_id, owner_id, step, attempt, agent_id, tool) values ($1, $2, $3, 1, $4, $5)
     on conflict (tenant_id, owner_id, step) do update set attempt = execution_attempts.attempt + 1, begun_at = now()
     returning attempt`,
    [tx.tenantId, ownerId, step, call.agentId, call.tool],
  );
  const [row] = rows;
  if (!row) throw new Error(`step ${step} of ${ownerId}: no attempt was begun`);
  return row.attempt;
}

/** Whether no later attempt has begun; none begins until this transaction ends. */
export async function holdsAttempt(tx: Read, ownerId: string, step: number, attempt: number): Promise<boolean> {
  const { rows } = await tx.query<{ attempt: number }>(
    'select attempt from execution_attempts where owner_id = $1 and step = $2 for update',
    [ownerId, step],
  );
  return rows[0]?.attempt === attempt;
}

import { micros } from './instant';
import type { Read } from './tx';

/** An agent as it logs in; `secretHash` null: it has no secret. */
export interface AgentAtLogin {
  id: string;
  name: string;
  status: string;
  secretHash: string | null;
  permissions: { tool_name: string; action: string }[];
}

/** What an agent may call, by its grants, as its token says it. */
export const permissionsOf = `coalesce((select jsonb_agg(jsonb_build_object('tool_name', g.tool, 'action', g.effect) order by g.tool)
  from agent_grants g where g.agent_id = a.id), '[]')`;

export async function agentAtLogin(tx: Read, id: string): Promise<AgentAtLogin | null> {
  const { rows } = await tx.query<AgentAtLogin & Record<string, unknown>>(
    `select a.id, a.name, a.status, c.secret_hash as "secretHash", ${permissionsOf} as permissions
     from agents a left join agent_credentials c on c.agent_id = a.id and c.status = 'active'
     where a.id = $1 and a.deleted_at is null`,
    [id],
  );
  return rows[0] ?? null;
}

export interface AgentCredential {
  id: string;
  agentId: string;
  status: 'active' | 'revoked';
  createdAt: string;
  updatedAt: string;
}
const columns = `id, agent_id as "agentId", status, ${micros('created_at')} as "createdAt", ${micros('updated_at')} as "updatedAt"`;

/** Whether that is still its secret; it stays so until the transaction ends. */
export const holdSecret = async (tx: Read, agentId: string, secretHash: string): Promise<boolean> =>
  (
    await tx.query(
      `select from agent_credentials where agent_id = $1 and secret_hash = $2 and status = 'active' for share`,
      [agentId, secretHash],
    )
  ).rowCount === 1;

/** Null when it has one. */
export async function insertCredential(
  tx: Read,
  { id, agentId, secretHash }: { id: string; agentId: string; secretHash: string },
): Promise<AgentCredential | null> {
  const { rows } = await tx.query<AgentCredential & Record<string, unknown>>(
    `insert into agent_credentials (id, tenant_id, agent_id, secret_hash) values ($1, $2, $3, $4)
     on conflict do nothing returning ${columns}`,
    [id, tx.tenantId, agentId, secretHash],
  );
  return rows[0] ?? null;
}

/** Whether it had one. */
export async function revokeCredential(tx: Read, agentId: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update agent_credentials set status = 'revoked', updated_at = now() where agent_id = $1 and status = 'active'`,
    [agentId],
  );
  return rowCount === 1;
}

import { z } from 'zod';
import { toolsOf, type Agent, type Definition } from '../domain/agent';
import { AgentSchema } from '../domain/agent.schema';
import { InstantSchema } from '../domain/common.schema';
import type { Actor } from '../domain/principal';
import { entity } from './entity';
import { micros } from './instant';
import { conditions } from './paging';
import type { Read } from './tx';

export const agents = entity('agents', AgentSchema, [
  'number', 'lastRunAt', 'lastSuccessAt', 'lastFailureAt', 'consecutiveFailures', 'currentVersion', 'ticketId', 'createdAt',
  'updatedAt', 'deletedAt',
]); // prettier-ignore

/** To the microsecond, as a cursor holds it. */
const Listed = AgentSchema.extend({ at: z.string() });
export type ListedAgent = z.output<typeof Listed>;

export interface AgentFilter {
  type: string | null;
  status: string | null;
  /** The last row of the page before. */
  after: { at: string; id: string } | null;
}

/** Newest first. */
export async function listAgents(tx: Read, f: AgentFilter, limit: number): Promise<ListedAgent[]> {
  const where = conditions();
  where.add((p) => `agent_type = ${p}`, f.type);
  where.add((p) => `status = ${p}`, f.status);
  where.add(
    (p) => `(created_at, id) < ((${p}::jsonb ->> 'at')::timestamptz, (${p}::jsonb ->> 'id')::uuid)`,
    f.after && JSON.stringify(f.after),
  );
  const { rows } = await tx.query(
    `select ${agents.columns()}, ${micros('created_at')} as at
     from agents where deleted_at is null and ${where.text()} order by created_at desc, id desc limit ${limit}`,
    where.params,
  );
  return rows.map((r) => Listed.parse(r));
}

/** One that nobody has deleted. */
export async function agentById(tx: Read, id: string): Promise<Agent | null> {
  const [agent] = await agents.list(tx, 'where id = $1 and deleted_at is null', [id]);
  return agent ?? null;
}

/** The one of that name, with what it goes by, if it may work. */
export async function workingAgent(
  tx: Read,
  name: string,
): Promise<{ agent: Agent; definition: Definition | null } | null> {
  const [agent] = await agents.list(tx, `where name = $1 and status = 'ACTIVE' and deleted_at is null`, [name]);
  if (!agent) return null;
  return { agent, definition: (await currentDefinition(tx, agent))?.definition ?? null };
}

/** The same, held until the transaction ends: whoever changes it, defines it or starts it takes turns. */
export async function lockAgent(tx: Read, id: string): Promise<Agent | null> {
  const [agent] = await agents.list(tx, 'where id = $1 and deleted_at is null for no key update', [id]);
  return agent ?? null;
}

/** The one of that kind that may work and has the least to do; of equals the oldest. */
export async function agentOfType(tx: Read, type: string): Promise<Agent | null> {
  const [agent] = await agents.list(
    tx,
    `where coalesce(work_type, agent_type) = $1 and status = 'ACTIVE' and initialized_at is not null and deleted_at is null
     order by (select count(*) from runs r where r.agent_id = agents.id and r.finished_at is null), number limit 1`,
    [type],
  );
  return agent ?? null;
}

/** By the integer that the doors use. */
export async function lockAgentNumbered(tx: Read, number: number): Promise<Agent | null> {
  const [agent] = await agents.list(tx, 'where number = $1 and deleted_at is null for no key update', [number]);
  return agent ?? null;
}

/** Writes what people may change; the agent is held. */
export async function saveAgent(tx: Read, a: Agent): Promise<Agent> {
  const { rows } = await tx.query(
    `update agents set display_name = $2, description = $3, agent_type = $4, status = $5, runtime = $6, schedule = $7,
       timezone = $8, capabilities = $9, configuration = $10, harness = $11, scheduled_by = $12, scheduled_scopes = $13,
       deleted_at = case when $14 then now() end, updated_at = now()
     where id = $1 returning ${agents.columns()}`,
    [
      a.id, a.displayName, a.description, a.agentType, a.status, a.runtime, a.schedule, a.timezone, a.capabilities,
      a.configuration, a.harness, a.scheduledBy, a.scheduledScopes, a.deletedAt !== null,
    ], // prettier-ignore
  );
  return agents.parse(rows[0]);
}

/** The tools that its capabilities name are those that it may call: what is denied to it, or granted by somebody, stays so. */
export async function grantCapabilities(tx: Read, agent: Pick<Agent, 'id' | 'capabilities'>): Promise<void> {
  const tools = toolsOf(agent.capabilities);
  await tx.query(
    `delete from agent_grants where agent_id = $1 and effect = 'ALLOW' and granted_by is null and not tool = any($2)`,
    [agent.id, tools],
  );
  await tx.query(
    `insert into agent_grants (id, tenant_id, agent_id, tool, effect)
     select gen_random_uuid(), $1, $2, tool, 'ALLOW' from unnest($3::text[]) as t(tool) on conflict (agent_id, tool, effect) do nothing`,
    [tx.tenantId, agent.id, tools],
  );
}

/** Its keys open nothing from now on. */
export async function revokeKeysOf(tx: Read, agentId: string): Promise<number> {
  const { rowCount } = await tx.query(
    'update api_keys set revoked_at = now() where agent_id = $1 and revoked_at is null',
    [agentId],
  );
  return rowCount ?? 0;
}

const Version = z.object({
  id: z.uuid(),
  version: z.int(),
  definition: z.record(z.string(), z.unknown()),
  createdAt: InstantSchema,
});
export interface AgentVersion {
  id: string;
  version: number;
  definition: Definition;
  createdAt: string;
}
const versionColumns = `v.id, v.version, v.definition, v.created_at as "createdAt"`;

export async function versionById(tx: Read, agentId: string, id: string): Promise<AgentVersion | null> {
  const { rows } = await tx.query(`select ${versionColumns} from agent_versions v where id = $1 and agent_id = $2`, [
    id,
    agentId,
  ]);
  return rows[0] ? Version.parse(rows[0]) : null;
}

/** What the agent goes by now; null when nobody has defined it. */
export async function currentDefinition(
  tx: Read,
  agent: Pick<Agent, 'id' | 'currentVersion'>,
): Promise<AgentVersion | null> {
  if (agent.currentVersion === 0) return null;
  const { rows } = await tx.query(
    `select ${versionColumns} from agent_versions v where agent_id = $1 and version = $2`,
    [agent.id, agent.currentVersion],
  );
  return rows[0] ? Version.parse(rows[0]) : null;
}

/** One version more; the agent is held, so that no number is taken twice and each is made of the one before. */
export async function appendVersion(
  tx: Read,
  agent: Pick<Agent, 'id' | 'currentVersion' | 'model'>,
  version: { id: string; definition: Definition; by: Actor },
): Promise<Agent> {
  await tx.query(
    `insert into agent_versions (id, tenant_id, agent_id, version, definition, created_by) values ($1, $2, $3, $4, $5, $6)`,
    [version.id, tx.tenantId, agent.id, agent.currentVersion + 1, version.definition, version.by],
  );
  const { rows } = await tx.query(
    `update agents set current_version = $2, model = $3, updated_at = now() where id = $1 returning ${agents.columns()}`,
    [agent.id, agent.currentVersion + 1, version.definition.model ?? agent.model],
  );
  return agents.parse(rows[0]);
}

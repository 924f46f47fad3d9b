import { z } from 'zod';
import { JsonObject } from '../domain/common.schema';
import { doorRiskLevels, doorStatuses, type Restriction } from '../domain/agent';
import { micros } from './instant';
import { conditions } from './paging';
import type { Read } from './tx';

// Agents as the audit door has them: the same rows, with what is granted, restricted and said of them there.

const Grant = z.object({
  id: z.uuid(),
  agent_id: z.uuid(),
  tool_name: z.string(),
  action: z.enum(['ALLOW', 'DENY']),
  granted_by: z.string().nullable(),
  granted_at: z.string(),
  expires_at: z.string().nullable(),
});
export type AgentGrant = z.output<typeof Grant>;

const grantColumns = `g.id, g.agent_id, g.tool as tool_name, g.effect as action, g.granted_by,
  ${micros('g.granted_at')} as granted_at, ${micros('g.expires_at')} as expires_at`;

const Row = z.object({
  id: z.uuid(),
  tenant_id: z.uuid(),
  name: z.string(),
  description: z.string(),
  owner_id: z.string().nullable(),
  status: z.enum(doorStatuses),
  restricted_because: z.string().nullable(),
  restricted_until: z.string().nullable(),
  risk_level: z.enum(doorRiskLevels),
  metadata: JsonObject,
  created_at: z.string(),
  updated_at: z.string(),
  deleted_at: z.string().nullable(),
  permissions: z.array(Grant),
});
export type DoorAgent = z.output<typeof Row>;

const status = `case when a.deleted_at is not null or a.status = 'DISABLED' then 'TERMINATED'
  when a.restriction is not null then a.restriction when a.status = 'ACTIVE' then 'ACTIVE' else 'INACTIVE' end`;
const columns = `a.id, a.tenant_id, a.name, a.description, a.owner_id, ${status} as status, a.restricted_because, a.risk_level, a.metadata,
  ${micros('a.restricted_until')} as restricted_until,  ${micros('a.created_at')} as created_at, ${micros('a.updated_at')} as updated_at, ${micros('a.deleted_at')} as deleted_at,
  (select coalesce(jsonb_agg(to_jsonb(p) order by p.tool_name, p.action), '[]')
     from (select ${grantColumns} from agent_grants g where g.agent_id = a.id) p) as permissions`;

/** Deleted ones too, where they are asked for by id right after. */
export async function doorAgent(tx: Read, id: string, deleted = false): Promise<DoorAgent | null> {
  const { rows } = await tx.query(`select ${columns} from agents a where a.id = $1 and ($2 or a.deleted_at is null)`, [
    id,
    deleted,
  ]);
  return rows[0] ? Row.parse(rows[0]) : null;
}

/** Newest first, and how many there are. */
export async function listDoorAgents(
  tx: Read,
  filter: { status: string | null; ownerId: string | null },
  { page, size }: { page: number; size: number },
): Promise<{ items: DoorAgent[]; total: number }> {
  const where = conditions();
  where.add((p) => `${status} = ${p}`, filter.status);
  where.add((p) => `a.owner_id = ${p}`, filter.ownerId);
  const those = `from agents a where a.deleted_at is null and ${where.text()}`;
  const { rows: counted } = await tx.query<{ total: number }>(`select count(*)::int as total ${those}`, where.params);
  const { rows } = await tx.query(
    `select ${columns} ${those} order by a.created_at desc, a.id desc limit ${size} offset ${(page - 1) * size}`,
    where.params,
  );
  return { items: rows.map((r) => Row.parse(r)), total: counted[0]?.total ?? 0 };
}

export interface DoorTiles {
  total: number;
  active: number;
  quarantined: number;
  terminated: number;
  high_risk: number;
}
/** `total` are those that are not deleted; `terminated` the deleted as well. */
export async function doorTiles(tx: Read): Promise<DoorTiles> {
  const { rows } = await tx.query<{ [K in keyof DoorTiles]: number }>(
    `select count(*) filter (where deleted_at is null)::int as total, count(*) filter (where shown = 'ACTIVE')::int as active,
       count(*) filter (where shown = 'QUARANTINED')::int as quarantined, count(*) filter (where shown = 'TERMINATED')::int as terminated,
       count(*) filter (where deleted_at is null and risk_level in ('high', 'critical'))::int as high_risk
     from (select a.*, ${status} as shown from agents a) b`,
  );
  return rows[0] ?? { total: 0, active: 0, quarantined: 0, terminated: 0, high_risk: 0 };
}

/** What people say of an agent at this door; what is left out stays. */
export interface DoorFields {
  name?: string | undefined;
  description?: string | undefined;
  ownerId?: string | undefined;
  riskLevel?: string | undefined;
  metadata?: Record<string, unknown> | undefined;
  /** With what it means to the other doors. */
  standing?: { status: string; restriction: Restriction | null; because: string | null } | undefined;
}
export async function saveDoorFields(tx: Read, id: string, f: DoorFields): Promise<void> {
  const { standing: s } = f;
  await tx.query(
    `update agents set name = coalesce($2, name), description = coalesce($3, description), owner_id = coalesce($4, owner_id),
       risk_level = coalesce($5, risk_level), metadata = coalesce($6::jsonb, metadata), status = coalesce($7, status),
       restriction = case when $7::text is null then restriction else $8 end,
       restricted_because = case when $7::text is null then restricted_because else $9 end,
       restricted_until = case when $7::text is null then restricted_until end,
       before_quarantine = case when $7::text is null then before_quarantine end,
       quarantine_ended_at = case when restriction = 'QUARANTINED' and $7::text is not null and $8 is distinct from 'QUARANTINED'
         then now() else quarantine_ended_at end,
       updated_at = now()
     where id = $1`,
    [
      id, f.name, f.description, f.ownerId, f.riskLevel, f.metadata && JSON.stringify(f.metadata), s?.status, s?.restriction, s?.because,
    ], // prettier-ignore
  );
}

export async function grantsOf(tx: Read, agentId: string): Promise<AgentGrant[]> {
  const { rows } = await tx.query(
    `select ${grantColumns} from agent_grants g where g.agent_id = $1 order by g.tool, g.effect`,
    [agentId],
  );
  return rows.map((r) => Grant.parse(r));
}

/** Null when the same stands already; one that is over makes room. */
export async function insertGrant(
  tx: Read,
  g: Pick<AgentGrant, 'id' | 'agent_id' | 'tool_name' | 'action' | 'granted_by' | 'expires_at'>,
): Promise<AgentGrant | null> {
  await tx.query('delete from agent_grants where agent_id = $1 and tool = $2 and effect = $3 and expires_at <= now()', [
    g.agent_id,
    g.tool_name,
    g.action,
  ]);
  const { rows } = await tx.query(
    `insert into agent_grants as g (id, tenant_id, agent_id, tool, effect, granted_by, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing returning ${grantColumns}`,
    [g.id, tx.tenantId, g.agent_id, g.tool_name, g.action, g.granted_by, g.expires_at],
  );
  return rows[0] ? Grant.parse(rows[0]) : null;
}

export async function deleteGrant(tx: Read, agentId: string, id: string): Promise<AgentGrant | null> {
  const { rows } = await tx.query(
    `delete from agent_grants g where g.id = $1 and g.agent_id = $2 returning ${grantColumns}`,
    [id, agentId],
  );
  return rows[0] ? Grant.parse(rows[0]) : null;
}

/** The tools that are granted to anybody. */
export async function grantedTools(tx: Read): Promise<string[]> {
  const { rows } = await tx.query<{ tool: string }>(`select distinct tool from agent_grants where tool <> '*'`);
  return rows.map((r) => r.tool);
}

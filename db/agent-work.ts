import { z } from 'zod';
import { agentStatuses } from '../domain/agent';
import { agentEnvironments, type AgentEnvironment, type WorkStatus } from '../domain/agent-work';
import { InstantSchema, JsonObject } from '../domain/common.schema';
import { conditions } from './paging';
import type { Read } from './tx';

// Agents as the orchestration door has them: the same rows, with what is said and counted of them there.

const Row = z.object({
  id: z.uuid(),
  number: z.int(),
  name: z.string(),
  workType: z.string(),
  environment: z.enum(agentEnvironments),
  status: z.enum(agentStatuses),
  harness: z.string(),
  configuration: JsonObject,
  initializedAt: InstantSchema.nullable(),
  uptime: z.number(),
  consecutiveFailures: z.int(),
  lastRunAt: InstantSchema.nullable(),
  completed: z.int(),
  failed: z.int(),
  averageMs: z.number().nullable(),
  createdAt: InstantSchema,
  updatedAt: InstantSchema,
});
export type WorkAgent = z.output<typeof Row>;

/** What an agent is asked for: agents of other doors have a type as well. */
export const workType = (alias: string): string => `coalesce(${alias}.work_type, ${alias}.agent_type)`;

const columns = `a.id, a.number, a.name, ${workType('a')} as "workType", a.environment, a.status, a.harness, a.configuration,
  a.initialized_at as "initializedAt",
  coalesce(extract(epoch from now() - greatest(a.active_since, a.initialized_at)) * (a.initialized_at is not null)::int, 0)::float8 as uptime,
  a.consecutive_failures as "consecutiveFailures", a.last_run_at as "lastRunAt", a.runs_completed as completed, a.runs_failed as failed,
  round(a.runs_ms::numeric / nullif(a.runs_timed, 0))::float8 as "averageMs", a.created_at as "createdAt", a.updated_at as "updatedAt"`;

const shown: Record<WorkStatus, string> = {
  initializing: `a.status = 'ACTIVE' and a.initialized_at is null`,
  active: `a.status = 'ACTIVE' and a.initialized_at is not null`,
  inactive: `a.status in ('PAUSED', 'DISABLED')`,
  error: `a.status = 'ERROR'`,
};

/** Newest first, and how many there are. */
export async function listWorkAgents(
  tx: Read,
  filter: { status: WorkStatus | null; type: string | null },
  { page, limit }: { page: number; limit: number },
): Promise<{ rows: WorkAgent[]; total: number }> {
  const where = conditions();
  where.add((p) => `${workType('a')} = ${p}`, filter.type);
  if (filter.status) where.and(shown[filter.status]);
  const those = `from agents a where a.deleted_at is null and ${where.text()}`;
  const counted = await tx.query<{ total: number }>(`select count(*)::int as total ${those}`, where.params);
  const { rows } = await tx.query(
    `select ${columns} ${those} order by a.created_at desc, a.number desc limit ${limit} offset ${(page - 1) * limit}`,
    where.params,
  );
  return { rows: rows.map((r) => Row.parse(r)), total: counted.rows[0]?.total ?? 0 };
}

/** What is asked for of an agent, and its number; null: there is none. */
export async function workOf(tx: Read, id: string): Promise<{ number: number; workType: string } | null> {
  const { rows } = await tx.query<{ number: number; workType: string }>(
    `select a.number, ${workType('a')} as "workType" from agents a where a.id = $1`,
    [id],
  );
  return rows[0] ?? null;
}

/** One that nobody has deleted, by the number that its id has. */
export async function workAgent(tx: Read, number: number): Promise<WorkAgent | null> {
  const { rows } = await tx.query(`select ${columns} from agents a where a.number = $1 and a.deleted_at is null`, [
    number,
  ]);
  return rows[0] ? Row.parse(rows[0]) : null;
}

/** The same by its uuid, held until the transaction ends. */
export async function heldWorkAgent(tx: Read, id: string): Promise<WorkAgent | null> {
  const { rows } = await tx.query(
    `select ${columns} from agents a where a.id = $1 and a.deleted_at is null for no key update`,
    [id],
  );
  return rows[0] ? Row.parse(rows[0]) : null;
}

/** What this door says of a new agent; nobody has taken it up. */
export const saveNewWork = (
  tx: Read,
  id: string,
  of: { workType: string; environment: AgentEnvironment },
): Promise<unknown> =>
  tx.query('update agents set work_type = $2, environment = $3, initialized_at = null where id = $1', [
    id,
    of.workType,
    of.environment,
  ]);

/** What people change of it; what is left out stays. A configuration is merged into the one that stands. */
export const saveWork = (
  tx: Read,
  id: string,
  of: { name?: string | undefined; configuration?: Record<string, unknown> | undefined; status?: string | undefined },
): Promise<unknown> =>
  tx.query(
    `update agents set name = coalesce($2, name), configuration = configuration || coalesce($3::jsonb, '{}'),
       status = coalesce($4, status), restriction = case when $4::text is null then restriction end,
       restricted_because = case when $4::text is null then restricted_because end, updated_at = now() where id = $1`,
    [id, of.name, of.configuration && JSON.stringify(of.configuration), of.status],
  );

/** A worker has taken it up: it is active, or in error where nobody here can carry its tasks out. */
export const saveTakenUp = (tx: Read, id: string, status: 'ACTIVE' | 'ERROR'): Promise<unknown> =>
  tx.query('update agents set initialized_at = now(), status = $2, updated_at = now() where id = $1', [id, status]);

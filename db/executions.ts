import { z } from 'zod';
import { InstantSchema, JsonObject } from '../domain/common.schema';
import { activePolicies, type ActivePolicy } from './rego-policies';
import { habitsOfCall, type Habits } from './habits';
import { bulkRefusalsOfCall, refusalsOfCall } from './quarantine';
import type { Weights } from './risk-weights';
import type { Read } from './tx';

const Row = z.object({
  id: z.uuid(),
  step: z.int(),
  tool: z.string(),
  args: JsonObject,
  argsDigest: z.string(),
  why: z.string().nullable(),
  decision: z.enum(['allow', 'monitor', 'throttle', 'escalate', 'deny', 'kill', 'error']),
  risk: z.number(),
  findings: z.array(z.string()),
  reasons: z.array(z.object({ code: z.string(), message: z.string(), retryAfterMs: z.number().optional() })),
  stages: z.array(z.object({ stage: z.string(), ms: z.number(), outcome: z.string() })),
  result: z.unknown(),
  resultDigest: z.string().nullable(),
  error: z.string().nullable(),
  assessment: z
    .object({
      riskScore: z.number(),
      confidence: z.number(),
      signals: z.record(z.string(), z.number()),
      policyId: z.string(),
      policyVersion: z.string(),
      technique: z.string().nullable(),
    })
    .nullish(),
  startedAt: InstantSchema,
  durationMs: z.number(),
});
export type ExecutionRow = z.output<typeof Row>;

const columns = `id, step, tool, args, args_digest as "argsDigest", why, decision, risk, findings, reasons, stages, result,
  result_digest as "resultDigest", error, assessment, started_at as "startedAt", duration_ms as "durationMs"`;

/** The execution ledger of one run or investigation, in order. */
export async function ledger(tx: Read, ownerId: string): Promise<ExecutionRow[]> {
  const { rows } = await tx.query(
    `select ${columns} from executions where owner_id = $1 order by step`,
    [ownerId],
    'ledger',
  );
  return rows.map((r) => Row.parse(r));
}

/** Of any owners, in no order. */
export async function executionsOf(tx: Read, ids: readonly string[]): Promise<ExecutionRow[]> {
  const { rows } = await tx.query(`select ${columns} from executions where id = any($1)`, [[...new Set(ids)]]);
  return rows.map((r) => Row.parse(r));
}

export async function executionAt(tx: Read, ownerId: string, step: number): Promise<ExecutionRow | null> {
  const { rows } = await tx.query(`select ${columns} from executions where owner_id = $1 and step = $2`, [
    ownerId,
    step,
  ]);
  return rows[0] ? Row.parse(rows[0]) : null;
}

/** Whose step it is. */
export interface Owner {
  ownerId: string;
  agentId: string;
  ticketId: string | null;
}
export type OwnerKind = 'run' | 'investigation' | 'request';

/** How far a run is. */
export interface Counted {
  steps: number;
  progress: number;
  /** People have said something that it has not been told. */
  said: boolean;
}

/** As the ledger holds it from now on. `counted` is null when its run has ended, or is none. */
export interface Recorded<E> {
  execution: E;
  counted: Counted | null;
}

const columnTypes = `id uuid, owner_id uuid, step int, agent_id uuid, ticket_id uuid, tool text, args jsonb, args_digest text,
  why text, decision text, risk float8, findings text[], reasons jsonb, stages jsonb, result jsonb, result_digest text,
  error text, assessment jsonb, started_at timestamptz, duration_ms float8, policy jsonb`;
const written = columnTypes.split(',').map((column) => column.trim().split(' ')[0] ?? '');

const nobody = 'select null::uuid as id, null::int as steps, null::int as progress, null::boolean as said where false';
const counting: Record<OwnerKind, string> = {
  request: nobody,
  run: `update runs o set steps = g.step + 1, progress = greatest(o.progress, g.progress), heartbeat = now()
    from given g join inserted i using (owner_id, step) where o.id = g.owner_id and o.finished_at is null
    returning o.id, o.steps, o.progress,
      exists (select from steering_events s where s.run_id = o.id and s.status = 'pending') as said`,
  investigation: `update investigations o set steps = i.step + 1 from inserted i where o.id = i.owner_id and o.finished_at is null
    returning o.id, null::int as steps, null::int as progress, null::boolean as said`,
};

const insertSql = (count: string): string => `with given as (
    select * from jsonb_to_recordset($2) as r (${columnTypes}, progress int)
  ), inserted as (
    insert into executions (tenant_id, ${written.join(', ')}) select $1, ${written.join(', ')} from given
    on conflict (tenant_id, owner_id, step) do nothing returning owner_id, step, args, result
  ), counted as (${count})
  select i.owner_id as "ownerId", i.step, i.args, i.result, c.steps, c.progress, c.said
  from inserted i left join counted c on c.id = i.owner_id`;

/**
 * Writes steps down and counts them, all in one statement; at most one of an owner. Null, in its place, for a step that is
 * taken: what stands there counts.
 */
export async function insertExecutions<E extends ExecutionRow>(
  tx: Read,
  kind: OwnerKind | null,
  steps: readonly { of: Owner; execution: E; progress: number; policy: PolicyRecord | null }[],
): Promise<(Recorded<E> | null)[]> {
  const given = steps.map(({ of, execution: e, progress, policy }) => ({
    id: e.id, owner_id: of.ownerId, step: e.step, agent_id: of.agentId, ticket_id: of.ticketId, tool: e.tool, args: e.args,
    args_digest: e.argsDigest, why: e.why, decision: e.decision, risk: e.risk, findings: e.findings, reasons: e.reasons,
    stages: e.stages, result: e.result, result_digest: e.resultDigest, error: e.error, assessment: e.assessment ?? null,
    started_at: e.startedAt, duration_ms: e.durationMs, progress, policy,
  })); // prettier-ignore
  const { rows } = await tx.query<Pick<ExecutionRow, 'args' | 'result'> & { [K in keyof Counted]: Counted[K] | null } & { ownerId: string }>(
    insertSql(kind === null ? nobody : counting[kind]),
    [tx.tenantId, JSON.stringify(given)],
    `insert executions of ${kind ?? 'nobody'}`,
  ); // prettier-ignore
  const byOwner = new Map(rows.map((r) => [r.ownerId, r]));
  return steps.map(({ of, execution }) => {
    const row = byOwner.get(of.ownerId);
    if (!row) return null;
    const { args, result, steps, progress, said } = row;
    const counted = steps === null || progress === null ? null : { steps, progress, said: said ?? false };
    return { execution: { ...execution, args, result }, counted };
  });
}

/** One step, not counted: the row as the ledger holds it from now on; null when the step is taken. */
export async function insertExecution<E extends ExecutionRow>(tx: Read, of: Owner, execution: E): Promise<E | null> {
  const [recorded] = await insertExecutions(tx, null, [{ of, execution, progress: 0, policy: null }]);
  return recorded?.execution ?? null;
}

/** What the policies were told of a call but its arguments, which stand in the row, and what they said. */
export interface PolicyRecord {
  input: Record<string, unknown>;
  agent: { name: string | null; status: string | null };
  decision: 'allow' | 'escalate' | 'deny';
  policyId: string;
  version: string;
}

export interface Facts {
  /** The step is in the ledger already. */
  taken: boolean;
  killSwitch: string | null;
  /** Whoever serves the installation has taken the tenant out of service. */
  suspended: boolean;
  fence: string | null;
  agentStatus: string | null;
  agentName: string | null;
  /** What keeps an agent from what its status would let it do: SUSPENDED, THROTTLED or QUARANTINED, and why. */
  restriction: { kind: string; why: string | null } | null;
  /** Of its definition; null: no such agent. */
  agentVersion: number | null;
  /** The integer by which arguments name the call's ticket. */
  ticketNumber: number | null;
  grants: { tool: string; effect: 'ALLOW' | 'DENY' }[];
  /** Refusals of this agent and tool in the last five minutes, and of the agent for data about many people at once. */
  denials: number;
  bulkDenials: number;
  habits: Habits;
  /** Of risk, as the tenant has changed them. */
  weights: Weights | null;
  /** The tenant's own policies that are enforced. */
  policies: ActivePolicy[];
}

/** Of one call. */
export interface Asked {
  ownerId: string;
  step: number;
  agentId: string;
  tool: string;
  ticketId: string | null;
}

/**
 * Everything that stages 1 to 6 need to know of the tenant, the run and the agent, read at every call; for calls that are
 * made at the same time in one statement.
 */
export async function callFacts(tx: Read, calls: readonly Asked[]): Promise<Facts[]> {
  const { rows } = await tx.query<{ [K in keyof Facts]: Facts[K] }>(
    `select
       exists (select from executions where owner_id = c."ownerId" and step = c.step) as taken,
       (select coalesce(reason, 'engaged') from kill_switches where engaged) as "killSwitch",
       (select status = 'suspended' from tenants where id = current_tenant()) as suspended,
       coalesce((select reason from run_fences where run_id = c."ownerId"),
         (select 'the run is ' || status from runs where id = c."ownerId" and finished_at is not null)) as fence,
       a.status as "agentStatus", a.name as "agentName", a.current_version as "agentVersion",
       case when a.restriction is not null
         then jsonb_build_object('kind', a.restriction, 'why', a.restricted_because) end as restriction,
       ${activePolicies} as policies,
       (select number from tickets where id = c."ticketId") as "ticketNumber",
       (select coalesce(jsonb_agg(jsonb_build_object('tool', tool, 'effect', effect)), '[]')
          from agent_grants where agent_id = c."agentId" and (expires_at is null or expires_at > now())) as grants,
       ${refusalsOfCall} as denials, ${bulkRefusalsOfCall} as "bulkDenials",
       ${habitsOfCall} as habits,
       (select weights from risk_weights) as weights
     from rows from (
       jsonb_to_recordset($1) as ("ownerId" uuid, step int, "agentId" uuid, tool text, "ticketId" uuid)
     ) with ordinality as c left join agents a on a.id = c."agentId" order by c.ordinality`,
    [JSON.stringify(calls)],
    'facts of calls',
  );
  return rows;
}

/** Of its definition; null: no such agent. */
export async function agentVersionOf(tx: Read, agentId: string): Promise<number | null> {
  const { rows } = await tx.query<{ version: number }>('select current_version as version from agents where id = $1', [
    agentId,
  ]);
  return rows[0]?.version ?? null;
}

import { z } from 'zod';
import { InstantSchema, JsonObject } from '../domain/common.schema';
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
  reasons: z.array(z.object({ code: z.string(), message: z.string() })),
  stages: z.array(z.object({ stage: z.string(), ms: z.number(), outcome: z.string() })),
  result: z.unknown(),
  resultDigest: z.string().nullable(),
  error: z.string().nullable(),
  startedAt: InstantSchema,
  durationMs: z.number(),
});
export type ExecutionRow = z.output<typeof Row>;

const columns = `id, step, tool, args, args_digest as "argsDigest", why, decision, risk, findings, reasons, stages, result,
  result_digest as "resultDigest", error, started_at as "startedAt", duration_ms as "durationMs"`;

/** The execution ledger of one run or investigation, in order. */
export async function ledger(tx: Read, ownerId: string): Promise<ExecutionRow[]> {
  const { rows } = await tx.query(`select ${columns} from executions where owner_id = $1 order by step`, [ownerId]);
  return rows.map((r) => Row.parse(r));
}

export async function executionAt(tx: Read, ownerId: string, step: number): Promise<ExecutionRow | null> {
  const { rows } = await tx.query(`select ${columns} from executions where owner_id = $1 and step = $2`, [
    ownerId,
    step,
  ]);
  return rows[0] ? Row.parse(rows[0]) : null;
}

/** The row as the ledger holds it from now on; null when the step is taken: what stands there counts. */
export async function insertExecution<E extends ExecutionRow>(
  tx: Read,
  of: { ownerId: string; agentId: string; ticketId: string | null },
  e: E,
): Promise<E | null> {
  const { rows } = await tx.query<Pick<ExecutionRow, 'args' | 'result'>>(
    `insert into executions (id, tenant_id, owner_id, step, agent_id, ticket_id, tool, args, args_digest, why, decision, risk,
       findings, reasons, stages, result, result_digest, error, started_at, duration_ms)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
     on conflict (tenant_id, owner_id, step) do nothing returning args, result`,
    [
      e.id, tx.tenantId, of.ownerId, e.step, of.agentId, of.ticketId, e.tool, e.args, e.argsDigest, e.why, e.decision, e.risk,
      e.findings, JSON.stringify(e.reasons), JSON.stringify(e.stages), e.result === null ? null : JSON.stringify(e.result),
      e.resultDigest, e.error, e.startedAt, e.durationMs,
    ], // prettier-ignore
    'insert execution',
  );
  return rows[0] ? { ...e, ...rows[0] } : null;
}

export interface Facts {
  /** The step is in the ledger already. */
  taken: boolean;
  killSwitch: string | null;
  fence: string | null;
  agentStatus: string | null;
  /** The integer by which arguments name the call's ticket. */
  ticketNumber: number | null;
  grants: { tool: string; effect: 'ALLOW' | 'DENY' }[];
  /** Refusals of this agent and tool in the last five minutes. */
  denials: number;
}

/** Everything that stages 1 to 6 need to know of the tenant, the run and the agent, read at every call in one round trip. */
export async function callFacts(
  tx: Read,
  call: { ownerId: string; step: number; agentId: string; tool: string; ticketId: string | null },
): Promise<Facts> {
  const { rows } = await tx.query<Record<string, unknown>>(
    `select
       exists (select from executions where owner_id = $1 and step = $5) as taken,
       (select coalesce(reason, 'engaged') from kill_switches where engaged) as kill_switch,
       coalesce((select reason from run_fences where run_id = $1),
         (select 'the run is ' || status from runs where id = $1 and finished_at is not null)) as fence,
       (select status from agents where id = $2) as agent_status,
       (select number from tickets where id = $4) as ticket_number,
       (select coalesce(jsonb_agg(jsonb_build_object('tool', tool, 'effect', effect)), '[]') from agent_grants where agent_id = $2) as grants,
       (select count(*) from executions where agent_id = $2 and tool = $3 and decision in ('deny', 'kill')
          and started_at > now() - interval '5 minutes') as denials`,
    [call.ownerId, call.agentId, call.tool, call.ticketId, call.step],
    'facts of a call',
  );
  const r = rows[0] ?? {};
  return {
    taken: r['taken'] as boolean,
    killSwitch: r['kill_switch'] as string | null,
    fence: r['fence'] as string | null,
    agentStatus: r['agent_status'] as string | null,
    ticketNumber: r['ticket_number'] as number | null,
    grants: r['grants'] as Facts['grants'],
    denials: r['denials'] as number,
  };
}

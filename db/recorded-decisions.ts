import type { PolicyRecord } from './executions';
import { micros } from './instant';
import type { Read } from './tx';

/** A governed call as it was decided, for asking what another policy had said of it. */
export interface RecordedDecision {
  id: string;
  tool: string;
  agentId: string | null;
  args: Record<string, unknown>;
  at: string;
  risk: number;
  decision: string;
  /** Null: from before it was kept, or it never came to the policies. */
  policy: PolicyRecord | null;
  /** It came to the policies. */
  asked: boolean;
}
export interface Window {
  hours: number;
  agentId: string | null;
}
const within = `started_at > now() - make_interval(hours => $1) and ($2::uuid is null or agent_id = $2)`;

export async function countDecisions(tx: Read, { hours, agentId }: Window): Promise<number> {
  const { rows } = await tx.query<{ n: number }>(`select count(*) as n from executions where ${within}`, [
    hours,
    agentId,
  ]);
  return rows[0]?.n ?? 0;
}

/** The newest first, after the last that was seen. */
export async function decisionsIn(tx: Read, { hours, agentId }: Window, last: RecordedDecision | null, limit: number) {
  const { rows } = await tx.query<RecordedDecision & Record<string, unknown>>(
    `select id, tool, agent_id as "agentId", args, ${micros('started_at')} as at, risk, decision, policy,
       stages @> '[{"stage":"policy"}]' as asked
     from executions where ${within} and ($3::timestamptz is null or (started_at, id) < ($3, $4::uuid))
     order by started_at desc, id desc limit $5`,
    [hours, agentId, last?.at ?? null, last?.id ?? null, limit],
  );
  return rows as RecordedDecision[];
}

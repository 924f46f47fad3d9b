import { z } from 'zod';
import type { Agent } from '../domain/agent';
import { InstantSchema } from '../domain/common.schema';
import { agents } from './agents';
import { prepared } from './prepared';
import type { Read } from './tx';

/** Those that fail, most often first, then by their last run. */
export const agentsInTrouble = (tx: Read, limit: number): Promise<Agent[]> =>
  agents.list(
    tx,
    `where deleted_at is null order by consecutive_failures desc, last_run_at desc nulls last, number limit ${limit}`,
    [],
  );

export async function agentCounts(tx: Read): Promise<{ total: number; active: number }> {
  const { rows } = await prepared<{ total: number; active: number }>(
    tx,
    `select count(*)::int as total, count(*) filter (where status = 'ACTIVE')::int as active from agents where deleted_at is null`,
    [],
  );
  return rows[0] ?? { total: 0, active: 0 };
}

const Signal = z.object({
  id: z.uuid(),
  for_agent: z.string(),
  created_by: z.string(),
  signal: z.string(),
  detail: z.unknown(),
  status: z.literal('pending'),
  expires_at: InstantSchema.nullable(),
  created_at: InstantSchema,
});

/** What agents were told and nobody has taken up, while it is not over: the newest, and how many there are. */
export async function pendingSignals(tx: Read, limit: number) {
  const waits = `from agent_signals where status = 'pending' and coalesce(expires_at, 'infinity') > now()`;
  const [newest, counted] = await Promise.all([
    prepared(tx, `select * ${waits} order by created_at desc, id desc limit ${limit}`, []),
    prepared<{ n: number }>(tx, `select count(*)::int as n ${waits}`, []),
  ]);
  return { signals: newest.rows.map((r) => Signal.parse(r)), total: counted.rows[0]?.n ?? 0 };
}

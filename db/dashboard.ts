import type { Agent } from '../domain/agent';
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

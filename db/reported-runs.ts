import { ReportedRunSchema } from '../domain/reported-run.schema';
import { entity } from './entity';
import { prepared } from './prepared';
import type { Read } from './tx';

export const reportedRuns = entity('reported_runs', ReportedRunSchema, []);

/** By the reporter's id or ours; others wait until this transaction ends. */
export const lockReported = {
  byEveId: async (tx: Read, eveId: string) =>
    (await reportedRuns.list(tx, 'where eve_id = $1 for update', [eveId]))[0] ?? null,
  byId: async (tx: Read, id: string) => (await reportedRuns.list(tx, 'where id = $1 for update', [id]))[0] ?? null,
};

/** The database's time, and who is registered by that name. */
export async function agentAndTime(tx: Read, name: string): Promise<{ agentId: string | null; now: string }> {
  const { rows } = await prepared<{ agent_id: string | null; now: Date }>(
    tx,
    'select (select id from agents where name = $1 and deleted_at is null) as agent_id, clock_timestamp() as now',
    [name],
  );
  return { agentId: rows[0]?.agent_id ?? null, now: (rows[0]?.now ?? new Date()).toISOString() };
}

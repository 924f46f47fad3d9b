import { recordKinds, type KeptKind, type RunTrace } from '../domain/agent-records';
import type { Signal } from '../domain/signal';
import { SignalSchema } from '../domain/signal.schema';
import { entity } from './entity';
import type { Read } from './tx';

interface Age {
  table: string;
  /** From when on it grows old, and the order in which it goes. */
  time: string;
  id?: string;
  /** That it may go, besides its age. */
  over?: string;
  left?: string;
}

/** Its own time is looked for, by an index; what is of a run goes when that has been over for as long. */
const ofRun = (table: string, time: string, id = 'id'): Age => ({
  table,
  time,
  id,
  over: `and exists (select from runs r where r.id = run_id and r.finished_at < now() - $1 * interval '1 day')`,
});
const traces: Record<RunTrace, Age> = {
  agent_processes: ofRun('agent_processes', 'ended_at'),
  run_checkpoints: ofRun('run_checkpoints', 'at', 'number'),
  model_turns: ofRun('model_turns', 'started_at'),
  remote_tasks: ofRun('remote_tasks', 'ended_at'),
  run_calls: ofRun('run_calls', 'asked_at'),
  // Without an id of its own; one that asks at this moment stays.
  remote_workers: { table: 'remote_workers', time: 'seen_at', id: 'ctid', left: 'for update skip locked' },
  run_keys: ofRun('api_keys', 'created_at'),
};

/** A reported run grows old from its end, or its beginning where nobody has ended it. */
const ages: Record<KeptKind, Age> = {
  ...recordKinds,
  ...traces,
  reported_runs: { table: 'reported_runs', time: 'coalesce(completed_at, listed_at)', left: 'for update skip locked' },
  tool_checks: { table: 'tool_checks', time: 'checked_at' },
};

/**
 * Takes away the oldest of those that are older than so many days, `limit` at most; gives how many, and the newest of them.
 * A run that somebody changes at this moment stays until the next time; the others nobody changes.
 */
export async function expireKept(
  tx: Read,
  kind: KeptKind,
  days: number,
  limit: number,
): Promise<{ removed: number; upTo: Date | null }> {
  const { table, time, id = 'id', over = '', left = '' } = ages[kind];
  const { rows } = await tx.query<{ removed: number; up_to: Date | null }>(
    `with old as (delete from ${table} where ${id} in (
       select ${id} from ${table} where ${time} < now() - $1 * interval '1 day' ${over} order by ${time}, ${id} limit $2
       ${left}) returning ${time} as at)
     select count(*)::int as removed, max(at) as up_to from old`,
    [days, limit],
  );
  return { removed: rows[0]?.removed ?? 0, upTo: rows[0]?.up_to ?? null };
}

const signals = entity('agent_signals', SignalSchema, []);

/** Ends those whose time is over by the database's clock, the longest over first, `limit` at most; once each. */
export async function expireSignals(tx: Read, limit: number): Promise<Signal[]> {
  const { rows } = await tx.query(
    `update agent_signals set status = 'expired' where id in (
       select id from agent_signals where status = 'pending' and expires_at <= now() order by expires_at limit $1
       for update skip locked) returning ${signals.columns()}`,
    [limit],
  );
  return rows.map((row) => signals.parse(row));
}

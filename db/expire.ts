import { recordKinds, type KeptKind } from '../domain/agent-records';
import type { Signal } from '../domain/signal';
import { SignalSchema } from '../domain/signal.schema';
import { entity } from './entity';
import type { Read } from './tx';

/** From when on something grows old: a run from its end, or its beginning where nobody has ended it. */
const ageOf = (kind: KeptKind): { table: string; time: string; left?: string } =>
  kind === 'reported_runs'
    ? { table: kind, time: 'coalesce(completed_at, listed_at)', left: 'for update skip locked' }
    : kind === 'tool_checks'
      ? { table: kind, time: 'checked_at' }
      : recordKinds[kind];

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
  const { table, time, left = '' } = ageOf(kind);
  const { rows } = await tx.query<{ removed: number; up_to: Date | null }>(
    `with old as (delete from ${table} where id in (
       select id from ${table} where ${time} < now() - $1 * interval '1 day' order by ${time}, id limit $2
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

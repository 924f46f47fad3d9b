import { z } from 'zod';
import type { Signal } from '../domain/signal';
import { SignalSchema } from '../domain/signal.schema';
import { micros } from './instant';
import { conditions } from './paging';
import { prepared } from './prepared';
import type { Read } from './tx';

/** To the microsecond, as a cursor holds it. */
const Row = SignalSchema.extend({ at: z.string() });
export type ListedSignal = z.output<typeof Row>;

/** By the database's clock: everybody's is another. */
const waits = `s.status = 'pending' and (s.expires_at is null or s.expires_at > now())`;
const columns = `s.id, s.tenant_id as "tenantId", s.for_agent as "forAgent", s.created_by as "createdBy", s.signal, s.detail,
  case when s.status = 'pending' and s.expires_at <= now() then 'expired' else s.status end as status,
  s.expires_at as "expiresAt", s.created_at as "createdAt", s.actioned_by as "actionedBy", s.actioned_at as "actionedAt", s.result,
  ${micros('s.created_at')} as at`;

export interface SignalFilter {
  forAgent: string | null;
  createdBy: string | null;
  signal: string | null;
  pending: boolean | null;
  /** The last row of the page before. */
  after: { at: string; id: string } | null;
}

/** Newest first. */
export async function listSignals(tx: Read, f: SignalFilter, limit: number): Promise<ListedSignal[]> {
  const where = conditions();
  where.add((p) => `s.for_agent = ${p}`, f.forAgent);
  where.add((p) => `s.created_by = ${p}`, f.createdBy);
  where.add((p) => `s.signal = ${p}`, f.signal);
  where.add(
    (p) => `(s.created_at, s.id) < ((${p}::jsonb ->> 'at')::timestamptz, (${p}::jsonb ->> 'id')::uuid)`,
    f.after && JSON.stringify(f.after),
  );
  const pending = f.pending === null ? 'true' : f.pending ? waits : `not (${waits})`;
  const { rows } = await tx.query(
    `select ${columns} from agent_signals s where ${where.text()} and ${pending}
     order by s.created_at desc, s.id desc limit ${limit}`,
    where.params,
  );
  return rows.map((r) => Row.parse(r));
}

/** How many wait, of all agents: as the tally has it (000025), without those that the next sweep ends. */
export async function countPendingSignals(tx: Read): Promise<number> {
  const { rows } = await prepared<{ n: number }>(
    tx,
    `select (select coalesce(sum(n), 0) from signal_tallies)::int
       - (select count(*) from agent_signals where status = 'pending' and expires_at <= now())::int as n`,
    [],
  );
  return rows[0]?.n ?? 0;
}

export async function signalById(tx: Read, id: string): Promise<Signal | null> {
  const { rows } = await tx.query(`select ${columns} from agent_signals s where s.id = $1`, [id]);
  return rows[0] ? Row.parse(rows[0]) : null;
}

/** Null when one of that id stands already. */
export async function insertSignal(
  tx: Read,
  s: Pick<Signal, 'id' | 'forAgent' | 'createdBy' | 'signal' | 'detail' | 'expiresAt'>,
): Promise<Signal | null> {
  const { rowCount } = await tx.query(
    `insert into agent_signals (id, tenant_id, for_agent, created_by, signal, detail, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7) on conflict (id) do nothing`,
    [s.id, tx.tenantId, s.forAgent, s.createdBy, s.signal, JSON.stringify(s.detail), s.expiresAt],
  );
  return rowCount === 1 ? signalById(tx, s.id) : null;
}

/** Ends one that waits; null when it waits no more, whatever it is by now. */
export async function actOnSignal(tx: Read, id: string, by: string, result: unknown): Promise<Signal | null> {
  const { rowCount } = await tx.query(
    `update agent_signals s set status = 'actioned', actioned_by = $2, actioned_at = now(), result = $3 where s.id = $1 and ${waits}`,
    [id, by, JSON.stringify(result)],
  );
  return rowCount === 1 ? signalById(tx, id) : null;
}

/** The oldest that wait for an agent; it is known by its id. */
export async function signalsFor(tx: Read, agentId: string, limit: number): Promise<Signal[]> {
  const { rows } = await tx.query(
    `select ${columns} from agent_signals s join agents a on a.name = s.for_agent
     where a.id = $1 and ${waits} order by s.created_at, s.id limit $2`,
    [agentId, limit],
    'signals for an agent',
  );
  return rows.map((r) => Row.parse(r));
}

import { activeStatuses } from '../domain/run';
import { prepared } from './prepared';
import { silence } from './stalled';
import type { Read } from './tx';

export interface Overview {
  tickets: { total: number; new: number; assigned: number; resolved: number; closed: number };
  /** Tickets that were made on each of the last seven days, UTC, the oldest first. */
  trend: { date: string; count: number }[];
  /** How many agents stand how; those that were stopped or terminated together. */
  agents: { status: string; count: number }[];
  /** Agents that work and have not been heard of for an hour. */
  stalled: number;
  pendingChanges: number;
  tools: { total: number; healthy: number };
}

/** Of the tenant; from the tallies, and from indexes. */
export async function overviewOf(tx: Read): Promise<Overview> {
  const [tickets, trend, ended, alive, changes, tools] = await Promise.all([
    prepared<{ status: string; n: number }>(tx, 'select status, sum(n)::int as n from ticket_totals group by status', []),
    prepared<{ date: string; count: number }>(
      tx,
      `select to_char(d.day, 'YYYY-MM-DD') as date, (select count(*)::int from tickets t
         where t.created_at >= d.day at time zone 'utc' and t.created_at < (d.day + interval '1 day') at time zone 'utc') as count
       from generate_series((now() at time zone 'utc')::date - 6, (now() at time zone 'utc')::date, interval '1 day') as d (day)
       order by d.day`,
      [],
    ),
    prepared<{ outcome: string; n: number }>(
      tx,
      `select outcome, count(*)::int as n from runs where outcome in ('completed', 'failed', 'skipped') group by outcome`,
      [],
    ),
    prepared<{ status: string; n: number; stalled: number }>(
      tx,
      `select status, count(*)::int as n,
         count(*) filter (where status = any($1) and heartbeat < now() - interval '${silence}')::int as stalled
       from runs where outcome = 'started' group by status`,
      [activeStatuses],
    ),
    prepared<{ n: number }>(
      tx,
      `select count(*)::int as n from gates where status = 'pending' and expires_at > now()`,
      [],
    ),
    toolsOf(tx),
  ]); // prettier-ignore
  const of = (status: string): number => tickets.rows.find((r) => r.status === status)?.n ?? 0;
  return {
    tickets: {
      total: of(''),
      new: of('new'),
      assigned: of('assigned'),
      resolved: of('resolved'),
      closed: of('closed'),
    },
    trend: trend.rows,
    agents: [
      ...alive.rows.map(({ status, n }) => ({ status, count: n })),
      ...ended.rows.map(({ outcome, n }) => ({ status: endings[outcome] ?? outcome, count: n })),
    ],
    stalled: alive.rows.reduce((sum, r) => sum + r.stalled, 0),
    pendingChanges: changes.rows[0]?.n ?? 0,
    tools,
  };
}

/** What the door calls how a run came out. */
const endings: Readonly<Record<string, string>> = { completed: 'finished', failed: 'failed', skipped: 'stopped' };

/** Tool servers, and the parts of the installation, that are in use. */
async function toolsOf(tx: Read): Promise<Overview['tools']> {
  const { rows } = await prepared<Overview['tools']>(
    tx,
    `select count(*)::int as total, count(*) filter (where status = 'healthy')::int as healthy
     from tools where enabled and deleted_at is null`,
    [],
  );
  return rows[0] ?? { total: 0, healthy: 0 };
}

import type { Read } from './tx';

/** What an agent usually does, and what it did last; read with the other facts of a call. */
export interface Habits {
  /** Carried out, since the agent began. */
  calls: number;
  /** Since its first one. */
  ageHours: number;
  /** In an hour in which it called at all, on average. */
  perHour: number;
  /** In this hour of the clock so far. */
  thisHour: number;
  /** At this hour of the day (UTC), whatever the day. */
  atThisTime: number;
  /** Of the tool that it calls now. */
  ofTool: number;
  /** The findings of its last calls within an hour, newest first; at most twenty calls. */
  recent: string[][];
  /** Of those of other agents on the same ticket within an hour, what screening found; at most fifty calls that it found something in. */
  others: string[][];
}

/** For the call `c` of db/executions.ts: at most 48 cells and 20 calls, by index. */
export const habitsOfCall = `(select jsonb_build_object(
    'calls', coalesce(sum(h.n) filter (where h.tool = ''), 0),
    'ageHours', coalesce(extract(epoch from now() - min(h.first_at)) / 3600, 0)::float8,
    'perHour', coalesce(sum(h.n) filter (where h.tool = '') / nullif(sum(h.times) filter (where h.tool = ''), 0), 0)::float8,
    'thisHour', coalesce(sum(h.last_n) filter (where h.tool = '' and h.last_hour = date_trunc('hour', now(), 'utc')), 0),
    'atThisTime', coalesce(sum(h.n) filter (where h.tool = '' and h.hour = extract(hour from now() at time zone 'utc')), 0),
    'ofTool', coalesce(sum(h.n) filter (where h.tool <> ''), 0),
    'recent', (select coalesce(jsonb_agg(l.findings), '[]') from (
      select to_jsonb(e.findings) as findings from executions e where e.agent_id = c."agentId" and e.started_at > now() - interval '1 hour'
      order by e.started_at desc limit 20) l),
    'others', (select coalesce(jsonb_agg(l.findings), '[]') from (
      select to_jsonb(e.findings) as findings from executions e where e.ticket_id = c."ticketId" and e.findings <> '{}'
        and e.agent_id <> c."agentId" and e.started_at > now() - interval '1 hour' order by e.started_at desc limit 50) l)
  ) from agent_habits h where h.agent_id = c."agentId" and h.tool in ('', c.tool))`;

/** Takes the next entries of the tenant's log into the habits; gives how many that were. */
export async function learnHabits(tx: Read, most: number): Promise<number> {
  const { rows } = await tx.query<{ n: number }>('select learn_habits($1) as n', [most]);
  return rows[0]?.n ?? 0;
}

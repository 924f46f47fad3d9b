import { prepared } from './prepared';
import type { Read } from './tx';

// Governed calls by what they are counted by (migrations/000056_call_tallies.sql): the cells up to the cursor, and what came
// after it from the log itself, so that every figure is exact whenever it is asked for.

/** The days (UTC) up to today that are asked for, and whose calls. */
export interface Asked {
  days: number;
  /** Null: everybody's. */
  agentId: string | null;
}

/** In millionths, as the cells have it. */
export const risky = { critical: 900_000, high: 700_000, medium: 400_000 } as const;

/** This day in the snapshot that is read from. */
export const today = `(now() at time zone 'utc')::date`;
const recent = `governed_calls(calls_tallied(), 9223372036854775807)`;

/** `$1` is the number of days and, where there is one, `$2` the agent. */
const within = (agent: boolean): string =>
  `day > ${today} - $1::int and day <= ${today}${agent ? ' and agent_id = $2::uuid' : ''}`;
/** The same for hours: from the midnight on. */
const withinHours = (agent: boolean): string =>
  `hour >= ((${today} - ($1::int - 1))::timestamp at time zone 'utc') and hour < ((${today} + 1)::timestamp at time zone 'utc')${agent ? ' and agent_id = $2::uuid' : ''}`;

/** Relations that a statement can read from, each as `c`. */
const relations = {
  days: (agent: boolean) => `(
    select day, agent_id, tool, decision, n, scored, risk, first_at, last_at from call_days where ${within(agent)}
    union all select day, agent_id, tool, decision, 1, (risk is not null)::int, coalesce(risk, 0), at, at
      from ${recent} where ${within(agent)}) c`,
  hours: (agent: boolean) => `(
    select hour, agent_id, n, denied, scored, risk from call_hours where ${withinHours(agent)}
    union all select hour, agent_id, 1, call_denied(decision)::int, (risk is not null)::int, coalesce(risk, 0)
      from ${recent} where ${withinHours(agent)}) c`,
  risks: (agent: boolean) => `(
    select day, agent_id, bin, n from call_risks where ${within(agent)}
    union all select day, agent_id, (risk / 10000)::smallint, 1 from ${recent} where risk is not null and ${within(agent)}) c`,
  words: (agent: boolean) => `(
    select day, kind, word, n from call_words where ${within(agent)}
    union all select day, kind, word, 1 from ${recent} r, call_says(r.decision, r.reason, r.body) where ${within(agent)}) c`,
} as const;
export type Relation = keyof typeof relations;

/** Sums over cells, as they are written in a statement. */
export const sum = {
  calls: 'coalesce(sum(n), 0)::bigint',
  of: (...decisions: string[]): string =>
    `coalesce(sum(n) filter (where decision in (${decisions.map((d) => `'${d}'`).join(', ')})), 0)::bigint`,
  denied: 'coalesce(sum(n) filter (where call_denied(decision)), 0)::bigint',
  /** 0..1; 0 where no call has one. */
  risk: 'coalesce(round(sum(risk) / nullif(sum(scored), 0) / 1000000, 4), 0)::float8',
};
/** Part of a whole with four digits; 0 of nothing. */
export const rate = (part: string, whole: string): string =>
  `coalesce(round((${part})::numeric / nullif(${whole}, 0), 4), 0)::float8`;
/** The same of a hundred, with two digits. */
export const percent = (part: string, whole: string): string =>
  `coalesce(round(100 * (${part})::numeric / nullif(${whole}, 0), 2), 0)::float8`;

/**
 * What a statement gives. In it, `{days}`, `{hours}`, `{risks}` and `{words}` stand for those cells, bound to what is asked for, and
 * `{series}` for its days (`d.day`); `$1` is the number of days, `$2` the agent, and `more` follows.
 */
export async function counted<R extends Record<string, unknown>>(
  tx: Read,
  sql: string,
  { days, agentId }: Asked,
  more: readonly unknown[] = [],
): Promise<R[]> {
  const text = sql
    .replaceAll('{series}', `(select ${today} - i as day from generate_series(0, $1::int - 1) i) d`)
    .replace(/\{(days|hours|risks|words)\}/g, (_, name: Relation) => relations[name](agentId !== null));
  // The agent keeps its place, so that what follows has one as well.
  const typed = agentId === null && more.length ? `with nobody as (select $2::uuid) ${text}` : text;
  const params = agentId === null && !more.length ? [days] : [days, agentId, ...more];
  const { rows } = await prepared<R>(tx, typed, params);
  return rows;
}

/** Takes the next entries of the tenant's log into the cells; gives how many that were. */
export async function tallyCalls(tx: Read, most: number): Promise<number> {
  const { rows } = await tx.query<{ n: number }>('select tally_calls($1) as n', [most]);
  return rows[0]?.n ?? 0;
}

export async function isAgent(tx: Read, id: string): Promise<boolean> {
  const { rowCount } = await prepared(tx, 'select 1 from agents where id = $1', [id]);
  return rowCount === 1;
}

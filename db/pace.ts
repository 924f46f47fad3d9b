import { pacePeriods, type PacePeriod } from '../domain/pace';
import type { Read } from './tx';

/** The runs that ended within one step. */
export interface Pace {
  /** When the step began. */
  at: Date;
  ended: number;
  completed: number;
  failed: number;
  /** Of those that worked and completed or failed; null: none did. */
  averageMs: number | null;
}

/** By the step of the period, oldest first, the one that goes on last; steps in which no run ended are left out. From cells of five minutes. */
export async function paceOf(tx: Read, period: PacePeriod): Promise<Pace[]> {
  const { seconds, step } = pacePeriods[period];
  const { rows } = await tx.query<{ [K in keyof Pace]: Pace[K] }>(
    `with steps as (
       select make_interval(secs => $1) as step, timestamptz '2000-01-01T00:00:00Z' as origin
     )
     select date_bin(step, p.at, origin) as at, sum(p.n)::int as ended,
       coalesce(sum(p.n) filter (where p.outcome = 'completed'), 0)::int as completed,
       coalesce(sum(p.n) filter (where p.outcome = 'failed'), 0)::int as failed,
       (sum(p.duration_ms) filter (where p.outcome in ('completed', 'failed'))
         / nullif(sum(p.timed) filter (where p.outcome in ('completed', 'failed')), 0))::float8 as "averageMs"
     from run_pace p, steps
     where p.at >= date_bin(step, now(), origin) - make_interval(secs => $2)
     group by 1 having sum(p.n) > 0 order by 1`,
    [step, seconds - step],
  );
  return rows;
}

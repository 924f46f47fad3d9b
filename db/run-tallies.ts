import { prepared } from './prepared';
import type { Read } from './tx';

/** Of one day's runs, by when they began. */
interface Day {
  began: number;
  completed: number;
  failed: number;
  averageMs: number | null;
}

/** From the tallies (000020): a day has a handful of cells, however many runs it has. */
export async function runsOfDay(tx: Read, day: string): Promise<Day> {
  const { rows } = await prepared<Day & Record<string, unknown>>(
    tx,
    `select coalesce(sum(n), 0)::int as began, coalesce(sum(n) filter (where status = 'completed'), 0)::int as completed,
       coalesce(sum(n) filter (where status = 'failed'), 0)::int as failed,
       round(sum(duration_ms) / nullif(sum(timed), 0))::float8 as "averageMs"
     from run_tallies where day = $1::date`,
    [day],
  );
  return rows[0] ?? { began: 0, completed: 0, failed: 0, averageMs: null };
}

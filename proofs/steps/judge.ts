import type { Cluster } from '../cluster/cluster';

export interface LongRun {
  what: string;
  id: string;
  agent: number;
}

/** Each effect was had once, in its step; the run says so. */
export async function judgeRun(c: Cluster, run: LongRun, count: number): Promise<string[]> {
  const db = await c.owner();
  const { rows } = await db.query<{ status: string; steps: number; error: string | null }>(
    'select status, steps, error from runs where id = $1',
    [run.id],
  );
  const applied = c.sink.lines().filter((l) => l.run === run.id && l.outcome === 'applied');
  const had = new Map<number, number>();
  for (const { step } of applied) had.set(step, (had.get(step) ?? 0) + 1);
  const [row] = rows;
  return [
    ...(row?.status === 'finished' && row.steps === count ? [] : [`${run.what}: ${JSON.stringify(row)}, not finished after ${count} steps`]),
    ...[...had].filter(([, n]) => n > 1).map(([step, n]) => `${run.what}: the effect of step ${step} was had ${n} times`),
    ...Array.from({ length: count }, (_, step) => step)
      .filter((step) => !had.has(step))
      .map((step) => `${run.what}: the effect of step ${step} was not had`),
  ]; // prettier-ignore
}

import type { Read } from './tx';

/** Of these runs, those that the tenant has, and whether each has been over for so many days, its commands with it. */
export async function runsByAge(tx: Read, ids: readonly string[], days: number): Promise<{ id: string; old: boolean }[]> {
  const { rows } = await tx.query<{ id: string; old: boolean }>(
    `select id, coalesce(finished_at < now() - $2 * interval '1 day', false)
       and not exists (select from agent_processes p where p.run_id = runs.id and p.ended_at is null) as old
     from runs where id = any($1)`,
    [ids, days],
  );
  return rows;
} // prettier-ignore

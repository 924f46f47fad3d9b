import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from 'pg';

/** What is under way, as rows say it; a run or gate that waits for people is not, nor a run that was offered to workers elsewhere. */
const moving = `
  select 'run ' || r.number || ' ' || r.status as what from runs r
    where (r.status in ('spawned', 'running')
        and not exists (select from remote_tasks t where t.run_id = r.id and t.ended_at is null))
      or (r.status = 'pending_approval'
        and not exists (select from gates g where g.run_id = r.id and g.digest is not null and g.status = 'pending'))
  union all
  select 'gate ' || g.number || ' ' || g.status from gates g join runs r on r.id = g.run_id
    where g.digest is not null and g.status in ('pending', 'approved') and r.finished_at is not null
  union all
  select 'steering ' || s.number from steering_events s join runs r on r.id = s.run_id
    where s.status = 'pending' and r.finished_at is null`;

/** Waits until nothing moves and the log stands still. @throws Error naming what went on moving */
export async function untilStill(owner: () => Promise<Client>, patienceMs: number): Promise<void> {
  const deadline = Date.now() + patienceMs;
  const stillMs = 1_500;
  let before = '';
  let since = Date.now();
  for (;;) {
    const db = await owner();
    const { rows } = await db.query<{ what: string }>(moving);
    const log = await db.query<{ entries: string }>('select count(*)::text as entries from log');
    const now = JSON.stringify([rows, log.rows]);
    if (now !== before) since = Date.now();
    before = now;
    if (rows.length === 0 && Date.now() - since >= stillMs) return;
    if (Date.now() > deadline) {
      throw new Error(
        `still moving after ${patienceMs / 1000} s: ${rows
          .slice(0, 10)
          .map((r) => r.what)
          .join(', ')}`,
      );
    }
    await pause(100);
  }
}

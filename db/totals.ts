import { micros } from './instant';
import type { Read } from './tx';

export interface Work {
  activeAgents: number;
  runningTasks: number;
  completedToday: number;
}

/** What goes on in a tenant. The day begins at midnight UTC. */
export async function workOf(tx: Read): Promise<Work> {
  const { rows } = await tx.query<Work & Record<string, unknown>>(
    `select (select count(*) from agents where status = 'ACTIVE') as "activeAgents",
       (select count(*) from runs where status in ('spawned', 'running')) as "runningTasks",
       (select count(*) from runs where status = 'finished' and finished_at >= date_trunc('day', now(), 'utc')) as "completedToday"`,
  );
  return rows[0] ?? { activeAgents: 0, runningTasks: 0, completedToday: 0 };
}

export async function killSwitchTurned(tx: Read): Promise<{ engaged: boolean; at: string } | null> {
  const { rows } = await tx.query<{ engaged: boolean; at: string }>(
    `select engaged, ${micros('changed_at')} as at from kill_switches`,
  );
  return rows[0] ?? null;
}

import type { ChildProcess } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from 'pg';

/** Connections of that name which hold the tenant's log and wait for their client to go on. */
const holding = `
  select from pg_locks l join pg_stat_activity a on a.pid = l.pid
  where l.locktype = 'advisory' and l.granted and l.objsubid = 1 and a.application_name = $2 and a.state = 'idle in transaction'
    and (l.classid::bigint << 32) + l.objid::bigint = hashtextextended('log:' || $1::text, 0)`;

/** Stops (SIGSTOP) the writing process at a moment at which it holds the tenant's log: it hangs there, and nobody is told. */
export async function stopHolding(owner: Client, tenantId: string, writer: ChildProcess, name: string): Promise<void> {
  const late = performance.now() + 60_000;
  while (performance.now() < late) {
    writer.kill('SIGSTOP');
    await pause(20); // what it had asked for is answered by then
    if ((await owner.query(holding, [tenantId, name])).rowCount) return;
    writer.kill('SIGCONT');
    await pause(5);
  }
  throw new Error(`${name} never held the log when it was stopped`);
}

import { prepared } from './prepared';
import type { Read } from './tx';

// Whoever is to be told of something by webhook: how that went, in the row of what it is. Of both tables alike.

export interface Outcome {
  delivered: boolean;
  /** Null: as many as are known of. */
  attempts: number | null;
  error: string | null;
}

const sinceOf = { alerts: 'fired_at', gate_notices: 'created_at' } as const;
type Table = keyof typeof sinceOf;

export const notificationsIn = (table: Table) => ({
  /** How telling of it came out in the end; false when that is known already. */
  settle: async (tx: Read, id: string, how: Outcome): Promise<boolean> => {
    const { rowCount } = await prepared(
      tx,
      `update ${table} set notification = case when $2 then 'delivered' else 'failed' end, notified_at = case when $2 then now() end,
         notify_attempts = greatest(notify_attempts, $3), notify_error = $4
       where id = $1 and notification = 'pending'`,
      [id, how.delivered, how.attempts, how.error],
    );
    return rowCount === 1;
  },
  /** An attempt that did not get through; more follow. */
  notAttained: async (tx: Read, id: string, attempts: number, error: string): Promise<void> =>
    void (await prepared(
      tx,
      `update ${table} set notify_attempts = greatest(notify_attempts, $2), notify_error = $3
       where id = $1 and notification = 'pending'`,
      [id, attempts, error],
    )),
  /** Nobody has been told of them, and they are older than that; the oldest. */
  pendingSince: async (tx: Read, seconds: number): Promise<string[]> => {
    const { rows } = await tx.query<{ id: string }>(
      `select id from ${table} where notification = 'pending' and ${sinceOf[table]} < now() - make_interval(secs => $1)
       order by ${sinceOf[table]} limit 100`,
      [seconds],
    );
    return rows.map((r) => r.id);
  },
});

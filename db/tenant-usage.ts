import type { Pool } from 'pg';

/** Counted by UTC days and months, in the table of the limits (db/rate-limits.ts): what a process took to spend counts as used. */
export const usageKeys = (tenantId: string, now: Date): { day: string; month: string } => ({
  day: `${tenantId}:${now.toISOString().slice(0, 10)}`,
  month: `${tenantId}:${now.toISOString().slice(0, 7)}`,
});
export const dayEnds = (now: Date): Date =>
  new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + 1));
export const monthEnds = (now: Date): Date => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1));
export const dayPrefix = 'tenant-day';
export const monthPrefix = 'tenant-month';

export async function usageOf(pool: Pool, tenantId: string, now: Date): Promise<{ day: number; month: number }> {
  const keys = usageKeys(tenantId, now);
  const { rows } = await pool.query<{ key: string; points: number }>(
    'select key, points from rate_limits where key = any($1)',
    [[`${dayPrefix}:${keys.day}`, `${monthPrefix}:${keys.month}`]],
  );
  const of = (prefix: string): number => rows.find((r) => r.key.startsWith(prefix))?.points ?? 0;
  return { day: of(dayPrefix), month: of(monthPrefix) };
}

import type { Pool } from 'pg';

/** What stands for a key when points were taken. */
export interface Window {
  /** By everybody in this window, these included; it may be more than there are. */
  consumed: number;
  /** Until the window ends. */
  leftMs: number;
}

/** Points for each key and window that all processes of an installation share. */
export interface Points {
  readonly points: number;
  consume(key: string, n?: number): Promise<Window>;
}
export interface SharedPoints extends Points {
  /** One that was taken and is not to count. */
  giveBack(key: string): Promise<void>;
}

const now = `(extract(epoch from clock_timestamp()) * 1000)::bigint`;
/** Over; or, where the clock was set back, further away than a window is long. */
const over = `(r.expire <= ${now} or r.expire > ${now} + $3)`;
const take = {
  name: 'take points',
  text: `insert into rate_limits as r (key, points, expire) values ($1, $2, ${now} + $3::bigint)
    on conflict (key) do update set
      points = case when ${over} then excluded.points else r.points + excluded.points end,
      expire = case when ${over} then excluded.expire else r.expire end
    returning points as consumed, greatest(0, expire - ${now}) as "leftMs"`,
};

/**
 * Counted in Postgres, in an unlogged table, and by its clock alone: processes whose clocks differ, or jump, count the same
 * windows. A process that keeps what it was told keeps it by a clock of its own that only goes forward (`performance.now`).
 */
export function sharedPoints(pool: Pool, prefix: string, points: number, windowMs = 60_000): SharedPoints {
  return {
    points,
    async consume(key, n = 1) {
      const { rows } = await pool.query<{ consumed: number; leftMs: number }>({
        ...take,
        values: [`${prefix}:${key}`, n, windowMs],
      });
      const stands = rows[0];
      if (!stands) throw new Error('points were taken, and Postgres says nothing of them');
      return stands;
    },
    async giveBack(key) {
      await pool.query(`update rate_limits set points = points - 1 where key = $1 and points > 0 and expire > ${now}`, [
        `${prefix}:${key}`,
      ]);
    },
  };
}

/** What one request took of two windows: the long one is only taken of where the short one has room. */
export interface Both {
  short: Window;
  long: Window;
}

const takeBoth = {
  name: 'take of both windows',
  text: `with short as (
      insert into rate_limits as r (key, points, expire) values ($1, 1, ${now} + $3::bigint)
      on conflict (key) do update set
        points = case when ${over} then 1 else r.points + 1 end,
        expire = case when ${over} then excluded.expire else r.expire end
      returning points, expire),
    long as (
      insert into rate_limits as r (key, points, expire)
        select $2, case when points > $4::int then 0 else 1 end, ${now} + $5::bigint from short
      on conflict (key) do update set
        points = case when ${over.replace('$3', '$5::bigint')} then excluded.points else r.points + excluded.points end,
        expire = case when ${over.replace('$3', '$5::bigint')} then excluded.expire else r.expire end
      returning points, expire)
    select s.points as short, greatest(0, s.expire - ${now}) as "shortMs", l.points as long,
      greatest(0, l.expire - ${now}) as "longMs" from short s, long l`,
};

/** One point of two windows in one statement, exact for all processes together. */
export const takeOfBoth =
  (pool: Pool, prefix: string, of: { short: number; shortMs: number; longMs: number }) =>
  async (key: string): Promise<Both> => {
    const { rows } = await pool.query<{ short: number; shortMs: number; long: number; longMs: number }>({
      ...takeBoth,
      values: [`${prefix}-short:${key}`, `${prefix}-long:${key}`, of.shortMs, of.short, of.longMs],
    });
    const stands = rows[0];
    if (!stands) throw new Error('points were taken, and Postgres says nothing of them');
    return {
      short: { consumed: stands.short, leftMs: stands.shortMs },
      long: { consumed: stands.long, leftMs: stands.longMs },
    };
  };

/** Windows that are over go; who comes next begins one anyway. */
export const forgetWindows = async (pool: Pool): Promise<void> =>
  void (await pool.query(`delete from rate_limits where expire <= ${now}`));

/** Points that this process took for a key and may spend until the window ends. */
interface Lot {
  left: number;
  /** As the database said when they were taken. */
  consumed: number;
  until: number;
  taking: Promise<void> | null;
}

const mostKeys = 10_000;

/**
 * Takes points in small lots and spends them here: one write for a lot instead of one for each request. What was taken counts
 * for every process, so together they never let more through; what another process holds and does not spend may be missing at
 * the very end of a window. Where nothing is left it answers with more consumed than there is.
 */
export function inLots(shared: Points, size: number): Points {
  const { points } = shared;
  const lots = new Map<string, Lot>();
  const clock = (): number => performance.now();

  const take = async (key: string, lot: Lot): Promise<void> => {
    const asked = clock(); // the answer may be long on its way, and the window ends meanwhile
    const { consumed, leftMs } = await shared.consume(key, size);
    lot.left = Math.min(size, Math.max(0, size - (consumed - points))); // less: the rest of the window
    lot.consumed = consumed;
    lot.until = asked + leftMs;
  };
  return {
    points,
    async consume(key) {
      if (lots.size > mostKeys) {
        const now = clock();
        for (const [k, l] of lots) if (l.until <= now && !l.taking) lots.delete(k);
      }
      const lot = lots.get(key) ?? { left: 0, consumed: 0, until: 0, taking: null };
      lots.set(key, lot);
      while (lot.until <= clock() || lot.left === 0) {
        // Nothing more before the window ends.
        if (lot.until > clock() && lot.consumed >= points) return { consumed: points + 1, leftMs: lot.until - clock() };
        // Those who ask at the same time wait for one lot.
        lot.taking ??= take(key, lot).finally(() => (lot.taking = null));
        await lot.taking;
      }
      lot.left -= 1;
      return { consumed: Math.min(lot.consumed, points) - lot.left, leftMs: lot.until - clock() };
    },
  };
}

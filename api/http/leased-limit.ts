import { RateLimiterRes, type RateLimiterPostgres } from 'rate-limiter-flexible';

/** Points that this process took for a key and may spend until the window ends. */
interface Lease {
  left: number;
  /** As the database said when they were taken. */
  remaining: number;
  consumed: number;
  until: number;
  taking: Promise<void> | null;
}

const mostKeys = 10_000;

/**
 * A limiter that takes points in small lots, a two-hundredth of the limit, and spends them here: one write for a lot
 * instead of one for each request. What was taken counts for every process, so together they never let more through; what
 * another process holds and does not spend may be missing at the very end of a window. Where nothing is left it answers with
 * more consumed than there is, and does not reject.
 */
export function leased(limiter: RateLimiterPostgres): Pick<RateLimiterPostgres, 'points' | 'consume'> {
  const { points } = limiter;
  const lot = Math.max(1, Math.floor(points / 200));
  const leases = new Map<string, Lease>();

  const take = async (key: string, lease: Lease): Promise<void> => {
    let got: RateLimiterRes;
    let granted = lot;
    try {
      got = await limiter.consume(key, lot);
    } catch (e) {
      if (!(e instanceof RateLimiterRes)) throw e;
      got = e;
      granted = Math.max(0, lot - (e.consumedPoints - points)); // the rest of the window
    }
    lease.left = granted;
    lease.consumed = got.consumedPoints;
    lease.remaining = Math.max(0, points - got.consumedPoints);
    lease.until = Date.now() + got.msBeforeNext;
  };

  return {
    points,
    async consume(key) {
      const now = Date.now();
      if (leases.size > mostKeys) for (const [k, l] of leases) if (l.until <= now && !l.taking) leases.delete(k);
      const id = String(key);
      let lease = leases.get(id);
      if (!lease) leases.set(id, (lease = { left: 0, remaining: 0, consumed: 0, until: 0, taking: null }));
      const known = lease;
      const result = (): RateLimiterRes =>
        new RateLimiterRes(
          known.remaining + known.left,
          Math.max(0, known.until - Date.now()),
          known.consumed - known.left,
        );
      while (lease.until <= Date.now() || lease.left === 0) {
        // Nothing more before the window ends.
        if (lease.until > Date.now() && lease.consumed >= points)
          return new RateLimiterRes(0, lease.until - Date.now(), points + 1);
        lease.taking ??= take(id, lease).finally(() => (known.taking = null));
        await lease.taking;
      }
      lease.left -= 1;
      return result();
    },
  };
}

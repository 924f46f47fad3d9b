import type { Request, Response } from 'express';
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import { RateLimited, Unauthorized } from '../../domain/errors';
import type { Principal } from '../../domain/principal';
import type { Kernel } from '../kernel';
import type { Surface } from '../surfaces';
import { leased } from './leased-limit';

export interface Limits {
  /** A request of a known credential. @throws RateLimited */
  credential(principal: Principal, res: Response, surface: Surface): Promise<void>;
  /** A request to log in, by address. @throws RateLimited */
  login(req: Request, res: Response, surface: Surface): Promise<void>;
  /** A credential that was refused counts against its address; then the refusal goes on. */
  failed(req: Request, e: unknown): Promise<never>;
}

/** The limiter rejects with what stands when nothing is left; anything else it rejects with is trouble. */
function spent(e: unknown): RateLimiterRes {
  if (e instanceof RateLimiterRes) return e;
  throw e;
}

/** Counted in Postgres, so that every API process sees the same; the table is unlogged. */
export function createLimits({ store, config }: Kernel): Limits {
  const limiter = (keyPrefix: string, points: number) =>
    new RateLimiterPostgres({
      storeClient: store.pool,
      tableName: 'rate_limits',
      tableCreated: true,
      clearExpiredByTimeout: false,
      keyPrefix,
      points,
      duration: 60,
    });
  const perCredential = leased(limiter('credential', config.rateLimitPerMinute));
  const perAddress = limiter('address', 25);

  const headers = (res: Response, surface: Surface, limit: number, r: RateLimiterRes): void => {
    const { rateHeaders: names } = surface;
    const seconds = Math.max(1, Math.ceil(r.msBeforeNext / 1000));
    res.setHeader(names.limit, limit);
    res.setHeader(names.remaining, Math.max(0, r.remainingPoints));
    res.setHeader(names.reset, names.epoch ? Math.ceil(Date.now() / 1000) + seconds : seconds);
  };
  const refuse = (r: RateLimiterRes, limitType: string): RateLimited =>
    new RateLimited('rate_limited', {
      limit_type: limitType,
      retry_after_s: Math.max(1, Math.ceil(r.msBeforeNext / 1000)),
      reset_at: new Date(Date.now() + r.msBeforeNext).toISOString(),
    });
  const consume = async (
    by: Pick<RateLimiterPostgres, 'points' | 'consume'>,
    key: string,
    res: Response,
    surface: Surface,
    limitType: string,
  ) => {
    const r = await by.consume(key).catch(spent);
    headers(res, surface, by.points, r);
    if (r.consumedPoints > by.points) throw refuse(r, limitType);
  };

  return {
    credential: (principal, res, surface) => consume(perCredential, principal.credentialId, res, surface, 'per_minute'),
    login: (req, res, surface) => consume(perAddress, `login:${req.ip}`, res, surface, 'ip_per_minute'),
    async failed(req, e) {
      if (e instanceof Unauthorized && e.details['reason'] !== 'unauthenticated') {
        const r = await perAddress.consume(`refused:${req.ip}`, 1).catch(spent);
        // Guessing is slowed down; a refused request costs nothing else, so only a flood is told to wait.
        if (r.consumedPoints > perAddress.points * 40) throw refuse(r, 'ip_per_minute');
      }
      throw e;
    },
  };
}

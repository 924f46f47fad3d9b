import type { Request, Response } from 'express';
import { inLots, sharedPoints, takeOfBoth, type Points, type Window } from '../../db/rate-limits';
import { RateLimited, Unauthorized } from '../../domain/errors';
import type { Principal } from '../../domain/principal';
import type { Kernel } from '../kernel';
import { addressKey } from './address';
import { createQuotas } from './quotas';
import { surfaceOf, type Surface } from '../surfaces';

export interface Limits {
  /** A request of a known credential. @throws RateLimited */
  credential(principal: Principal, res: Response, surface: Surface): Promise<void>;
  /**
   * A request to log in, by address: counted before it is looked at, so that those that come at once are, and not any more
   * once it was right. @throws RateLimited
   */
  login(req: Request, res: Response, surface: Surface): Promise<void>;
  loggedIn(req: Request): Promise<void>;
  /** A request of nobody that is known, by address: where a door has limits of its own. @throws RateLimited */
  stranger(req: Request, res: Response): Promise<void>;
  /** A credential that was refused counts against its address; then the refusal goes on. */
  failed(req: Request, e: unknown): Promise<never>;
}

/** Counted for all API processes together (db/rate-limits.ts). */
export function createLimits(kernel: Kernel): Limits {
  const { store, config } = kernel;
  const tenant = createQuotas(kernel);
  const perMinute = sharedPoints(store.pool, 'credential', config.rateLimitPerMinute);
  const perCredential = inLots(perMinute, Math.max(1, Math.floor(perMinute.points / 200)));
  const perAddress = sharedPoints(store.pool, 'address', 25);

  const { perHour, perMinute: burst } = config.orchestrationLimits;
  const ofDoor = takeOfBoth(store.pool, 'door', { short: burst, shortMs: 60_000, longMs: 3_600_000 });

  const headers = (res: Response, surface: Surface, limit: number, r: Window): void => {
    const { rateHeaders: names } = surface;
    const seconds = Math.max(1, Math.ceil(r.leftMs / 1000));
    res.setHeader(names.limit, limit);
    res.setHeader(names.remaining, Math.max(0, limit - r.consumed));
    res.setHeader(names.reset, names.epoch ? Math.ceil(Date.now() / 1000) + seconds : seconds);
  };
  const refuse = (r: Window, limitType: string): RateLimited =>
    new RateLimited('rate_limited', {
      limit_type: limitType,
      retry_after_s: Math.max(1, Math.ceil(r.leftMs / 1000)),
      reset_at: new Date(Date.now() + r.leftMs).toISOString(),
    });
  const consume = async (by: Points, key: string, res: Response, surface: Surface, limitType: string) => {
    const r = await by.consume(key);
    headers(res, surface, by.points, r);
    if (r.consumed > by.points) throw refuse(r, limitType);
  };

  /** The headers are those of the hour, whichever of the two is over. */
  const consumeOfDoor = async (key: string, res: Response, surface: Surface) => {
    const { short, long } = await ofDoor(key);
    headers(res, surface, perHour, long);
    if (short.consumed > burst) throw refuse(short, 'per_minute');
    if (long.consumed > perHour) throw refuse(long, 'per_hour');
  };
  const stranger: Limits['stranger'] = async (req, res) => {
    const surface = surfaceOf(req.path);
    if (surface.ownLimits && !res.hasHeader(surface.rateHeaders.limit))
      await consumeOfDoor(`address:${addressKey(req.ip)}`, res, surface);
  };

  return {
    credential: async (principal, res, surface) => {
      if (surface.ownLimits) return consumeOfDoor(principal.credentialId, res, surface);
      await consume(perCredential, principal.credentialId, res, surface, 'per_minute');
      // The other doors have no quota of a tenant.
      if (surface.name === 'aegis') await tenant(principal.tenantId);
    },
    login: (req, res, surface) =>
      surface.ownLimits
        ? stranger(req, res)
        : consume(perAddress, `login:${addressKey(req.ip)}`, res, surface, 'ip_per_minute'),
    loggedIn: async (req) => {
      if (!surfaceOf(req.path).ownLimits) await perAddress.giveBack(`login:${addressKey(req.ip)}`);
    },
    stranger,
    async failed(req, e) {
      if (req.res && e instanceof Unauthorized) await stranger(req, req.res);
      if (e instanceof Unauthorized && e.details['reason'] !== 'unauthenticated') {
        const r = await perAddress.consume(`refused:${addressKey(req.ip)}`);
        // Guessing is slowed down; a refused request costs nothing else, so only a flood is told to wait.
        if (r.consumed > perAddress.points * 40) throw refuse(r, 'ip_per_minute');
      }
      throw e;
    },
  };
}

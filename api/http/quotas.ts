import { inLots, sharedPoints, type Points } from '../../db/rate-limits';
import { dayEnds, dayPrefix, monthEnds, monthPrefix, usageKeys } from '../../db/tenant-usage';
import { ownTenant } from '../../db/tenants';
import { RateLimited } from '../../domain/errors';
import { system } from '../../domain/principal';
import type { TenantLimits } from '../../domain/tenant';
import { atMostEvery } from '../../log/shared';
import type { Kernel } from '../kernel';

/** A change of a tenant's limits holds after so long at the latest. */
const limitsMs = 1_000;
/** One entry for all refusals of this time: a flood does not fill the log. */
const toldMs = 60_000;
const warnAt = 0.8;
/** Kinds of limits whose points a process keeps. */
const mostMade = 300;
const monthMs = 31 * 24 * 3600 * 1000;

/**
 * What all of a tenant's requests of a door may come to together, counted for all processes.
 * @throws RateLimited naming the limit and when it is over
 */
export function createQuotas({ store, config, logger }: Kernel): (tenantId: string) => Promise<void> {
  const limitsOf = atMostEvery<TenantLimits | null>(limitsMs);
  const told = atMostEvery<void>(toldMs);
  const made = new Map<string, Points>();
  /** In lots, so that not every request is a write. */
  const points = (prefix: string, cap: number, windowMs: number): Points => {
    const key = `${prefix} ${cap} ${windowMs}`;
    const known =
      made.get(key) ??
      inLots(sharedPoints(store.pool, prefix, cap, windowMs), Math.max(1, Math.min(100, Math.floor(cap / 20))));
    made.delete(key);
    made.set(key, known);
    // A tenant with limits of its own has these; what was asked for least lately costs the points that it had taken.
    if (made.size > mostMade) for (const oldest of [...made.keys()].slice(0, made.size - mostMade)) made.delete(oldest);
    return known;
  };
  const tell = (tenantId: string, kind: string, requestId: string | null, body: Record<string, unknown>): void => {
    const write = () =>
      store.write(tenantId, async (tx) => {
        const { rowCount } = await tx.query('select from log where request_id = $1', [requestId]);
        if (rowCount) return;
        tx.log({ kind, actor: system, subject: { kind: 'tenant', id: tenantId }, requestId, reason: kind, body });
      });
    told(`${tenantId} ${kind}`, write).catch((err: unknown) =>
      logger.warn({ err, tenantId }, 'a quota could not be told'),
    );
  };
  const refuse = (tenantId: string, limitType: string, until: Date): never => {
    const body = { limit_type: limitType, reset_at: until.toISOString() };
    tell(tenantId, 'rate.limited', null, body);
    const seconds = Math.max(1, Math.ceil((until.getTime() - Date.now()) / 1000));
    throw new RateLimited('rate_limited', { ...body, retry_after_s: seconds });
  };

  return async (tenantId) => {
    if (!config.tenantQuotas) return;
    const limits = await limitsOf(tenantId, () => store.read(tenantId, ownTenant));
    if (!limits) return;
    const { burst, requestsPerSecond, dailyRequestCap, monthlyRequestCap } = limits;
    const windowMs = Math.max(1_000, Math.round((burst / requestsPerSecond) * 1_000));
    const short = await points('tenant-burst', burst, windowMs).consume(tenantId);
    if (short.consumed > burst) refuse(tenantId, 'tenant_rps', new Date(Date.now() + short.leftMs));
    const now = new Date();
    const keys = usageKeys(tenantId, now);
    const day = await points(dayPrefix, dailyRequestCap, monthMs).consume(keys.day);
    if (day.consumed > dailyRequestCap) refuse(tenantId, 'tenant_daily_request', dayEnds(now));
    const month = await points(monthPrefix, monthlyRequestCap, monthMs).consume(keys.month);
    if (month.consumed > monthlyRequestCap) refuse(tenantId, 'tenant_monthly_request', monthEnds(now));
    if (month.consumed >= monthlyRequestCap * warnAt) {
      tell(tenantId, 'quota.warning', `quota:${keys.month.slice(-7)}`, {
        monthly_used: month.consumed, monthly_cap: monthlyRequestCap, threshold: warnAt,
        percent: Math.round((month.consumed / monthlyRequestCap) * 100), monthly_resets_at: monthEnds(now).toISOString(),
      }); // prettier-ignore
    }
  };
}

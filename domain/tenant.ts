/** What a tenant has bought, and what that allows it. */
export const tiers = ['basic', 'pro', 'enterprise'] as const;
export type Tier = (typeof tiers)[number];

/** What a call comes to when what its judgement leans on is away. */
export const degradedModes = ['block_high_risk', 'block_all', 'allow_with_audit'] as const;
export type DegradedMode = (typeof degradedModes)[number];

export const tenantStatuses = ['active', 'suspended'] as const;
export type TenantStatus = (typeof tenantStatuses)[number];

export interface TenantLimits {
  rpmLimit: number;
  requestsPerSecond: number;
  burst: number;
  dailyRequestCap: number;
  monthlyRequestCap: number;
  /** US dollars; null: none. */
  dailyInferenceCostCapUsd: number | null;
}

const perMinute: Record<Tier, number> = { basic: 3_000, pro: 6_000, enterprise: 12_000 };
/** At 3,000 a minute; the other tiers have as many times more as they have requests a minute. */
const perDay = 1_000_000;

/** What holds for a tenant: its own limits, and where it has none, those of its tier. */
export function limitsOf(tier: Tier, own: { [K in keyof TenantLimits]?: TenantLimits[K] | null }): TenantLimits {
  const rpmLimit = own.rpmLimit ?? perMinute[tier];
  const requestsPerSecond = own.requestsPerSecond ?? Math.ceil(rpmLimit / 60);
  const dailyRequestCap = own.dailyRequestCap ?? (perDay * perMinute[tier]) / perMinute.basic;
  return {
    rpmLimit,
    requestsPerSecond,
    burst: own.burst ?? requestsPerSecond * 2,
    dailyRequestCap,
    monthlyRequestCap: own.monthlyRequestCap ?? dailyRequestCap * 30,
    dailyInferenceCostCapUsd: own.dailyInferenceCostCapUsd ?? null,
  };
}

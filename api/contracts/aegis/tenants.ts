import { z } from 'zod';
import { degradedModes, tenantStatuses, tiers } from '../../../domain/tenant';
import { operation } from '../../operation';
import { byUuid, name } from '../shapes';

const tag = 'auth';

const Tenant = z.object({
  tenant_id: z.uuid(),
  org_id: z.uuid(),
  name: z.string(),
  tier: z.enum(tiers),
  rpm_limit: z.int().describe('Requests a minute'),
  status: z.enum(tenantStatuses),
  degraded_mode_policy: z.enum(degradedModes),
  requests_per_second: z.int(),
  burst: z.int(),
  daily_request_cap: z.int(),
  monthly_request_cap: z.int(),
  daily_inference_cost_cap_usd: z.number().nullable(),
});

export const tenants = {
  putTenant: operation({
    route: 'POST /auth/tenants',
    tag,
    summary: 'Make a tenant, or change one; a new one begins with its analyst, its RACI matrix, and nobody in it',
    access: 'tenants:manage',
    status: 201,
    statuses: [200],
    body: z
      .object({
        tenant_id: z.uuid().toLowerCase().describe('The caller chooses it'),
        org_id: z.uuid().nullish().describe('The tenant’s own id unless given'),
        name: name(100),
        tier: z.enum(tiers).default('basic'),
        rpm_limit: z
          .int()
          .min(1)
          .max(1_000_000)
          .nullish()
          .describe('Instead of its tier’s: 3000, 6000, 12000 a minute'),
        degraded_mode_policy: z
          .enum(degradedModes)
          .default('block_high_risk')
          .describe('What a call comes to when its judgement leans on something that is away'),
      })
      .meta({ example: { tenant_id: '0190a8b4-7f3e-7c11-9d5a-3b1f60c2a001', name: 'Payments', tier: 'pro' } }),
    output: Tenant,
  }),
  getTenant: operation({
    route: 'GET /auth/tenants/:tenant_id',
    tag,
    summary: 'The caller’s tenant, with the limits that hold for it',
    access: 'tenants:read',
    params: byUuid('tenant_id'),
    output: Tenant,
    errors: ['NotFound'],
  }),
};

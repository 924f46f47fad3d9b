import { z } from 'zod';
import { operation } from '../../operation';
import { byUuid, Instant, page } from '../shapes';

const Count = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
const Tenant = z.object({
  id: z.uuid(),
  name: z.string(),
  tenant_id: z.uuid(),
  plan: z.string(),
  is_active: z.boolean(),
  created_at: Instant,
  requests_per_second: z.int(),
  burst: z.int(),
  daily_request_cap: z.int(),
  monthly_request_cap: z.int(),
});
const Usage = z.object({
  daily_used: z.int().describe('Of this UTC day; what a process has taken to spend counts'),
  daily_resets_at: Instant,
  monthly_used: z.int(),
  monthly_resets_at: Instant,
});

export const admin = {
  listTenants: operation({
    route: 'GET /admin/tenants',
    tag: 'admin',
    summary: 'The tenants of the installation, the oldest first',
    access: 'tenants:manage',
    query: page,
    output: z.array(Tenant),
  }),
  getAnyTenant: operation({
    route: 'GET /admin/tenants/:tenant_id',
    tag: 'admin',
    summary: 'A tenant of the installation, and what it has used',
    access: 'tenants:manage',
    params: byUuid('tenant_id'),
    output: z.object({ tenant: Tenant, usage: Usage }),
    errors: ['NotFound'],
  }),
  getQuota: operation({
    route: 'GET /tenant/quota',
    tag: 'tenant',
    summary: 'What the caller’s tenant may ask for, and what it has used',
    access: 'tenants:read',
    output: z.object({
      limits: z.object({
        requests_per_second: z.int(),
        burst: z.int(),
        daily_request_cap: z.int(),
        monthly_request_cap: z.int(),
        daily_inference_cost_cap_usd: z.number().nullable(),
        rpm_limit: z.int(),
      }),
      usage: Usage,
    }),
  }),
  reportReconciliation: operation({
    route: 'POST /internal/reconciliation-report',
    tag: 'internal',
    summary:
      'What a reconciliation of the tenant’s audit rows with its usage records found; gauges on /metrics show it',
    access: 'internal:report',
    body: z
      .object({
        tenant_id: z.uuid().toLowerCase().optional().describe('The caller’s own'),
        audit_without_usage_count: Count,
        usage_without_audit_count: Count,
        outbox_pending_age_seconds: z.number().min(0).max(1e12),
      })
      .meta({
        example: { audit_without_usage_count: 0, usage_without_audit_count: 0, outbox_pending_age_seconds: 0 },
      }),
    output: z.object({ status: z.literal('ok'), tenant: z.uuid() }),
    errors: ['NotFound'],
  }),
};

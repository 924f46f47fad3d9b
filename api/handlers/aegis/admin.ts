import { putReconciliation } from '../../../db/reconciliations';
import { dayEnds, monthEnds, usageOf } from '../../../db/tenant-usage';
import { allTenants, ownTenant, type Tenant } from '../../../db/tenants';
import { NotFound } from '../../../domain/errors';
import type { admin } from '../../contracts/aegis/admin';
import type { Ctx, Handlers } from '../../kernel';

const view = (t: Tenant) => ({
  id: t.id,
  name: t.name,
  tenant_id: t.id,
  plan: t.tier,
  is_active: t.status === 'active',
  created_at: t.createdAt,
  requests_per_second: t.requestsPerSecond,
  burst: t.burst,
  daily_request_cap: t.dailyRequestCap,
  monthly_request_cap: t.monthlyRequestCap,
});

async function usage(ctx: Ctx, tenantId: string) {
  const now = new Date();
  const { day, month } = await usageOf(ctx.kernel.store.pool, tenantId, now);
  return {
    daily_used: day,
    daily_resets_at: dayEnds(now).toISOString(),
    monthly_used: month,
    monthly_resets_at: monthEnds(now).toISOString(),
  };
}

export const adminHandlers: Handlers<typeof admin> = {
  listTenants: async ({ query }, ctx) => (await allTenants(ctx.kernel.store.pool, query.limit, query.offset)).map(view),

  getAnyTenant: async ({ params }, ctx) => {
    const id = params.tenant_id.toLowerCase();
    const tenant = await ctx.kernel.store.read(id, ownTenant);
    if (!tenant) throw new NotFound(`no tenant ${id}`);
    return { tenant: view(tenant), usage: await usage(ctx, id) };
  },

  getQuota: async (_input, ctx) => {
    const tenant = await ctx.read(ownTenant);
    if (!tenant) throw new NotFound(`no tenant ${ctx.tenantId}`);
    return {
      limits: {
        requests_per_second: tenant.requestsPerSecond,
        burst: tenant.burst,
        daily_request_cap: tenant.dailyRequestCap,
        monthly_request_cap: tenant.monthlyRequestCap,
        daily_inference_cost_cap_usd: tenant.dailyInferenceCostCapUsd,
        rpm_limit: tenant.rpmLimit,
      },
      usage: await usage(ctx, ctx.tenantId),
    };
  },

  reportReconciliation: async ({ body }, ctx) => {
    if (body.tenant_id !== undefined && body.tenant_id !== ctx.tenantId)
      throw new NotFound(`no tenant ${body.tenant_id}`);
    await ctx.write(async (tx) => {
      await putReconciliation(tx, {
        auditWithoutUsage: body.audit_without_usage_count,
        usageWithoutAudit: body.usage_without_audit_count,
        outboxPendingSeconds: body.outbox_pending_age_seconds,
      });
      const { tenant_id: _, ...found } = body;
      tx.log({
        kind: 'reconciliation.reported',
        actor: ctx.actor,
        subject: { kind: 'tenant', id: ctx.tenantId },
        body: found,
      });
    });
    return { status: 'ok' as const, tenant: ctx.tenantId };
  },
};

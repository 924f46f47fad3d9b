import { ownTenant, putTenant, type Tenant } from '../../../db/tenants';
import { NotFound } from '../../../domain/errors';
import { beginTenant } from '../../../log/new-tenant';
import type { tenants } from '../../contracts/aegis/tenants';
import type { Handlers } from '../../kernel';

const tenantView = (t: Tenant) => ({
  tenant_id: t.id,
  org_id: t.orgId,
  name: t.name,
  tier: t.tier,
  rpm_limit: t.rpmLimit,
  status: t.status,
  degraded_mode_policy: t.degradedModePolicy,
  requests_per_second: t.requestsPerSecond,
  burst: t.burst,
  daily_request_cap: t.dailyRequestCap,
  monthly_request_cap: t.monthlyRequestCap,
  daily_inference_cost_cap_usd: t.dailyInferenceCostCapUsd,
});

export const tenantHandlers: Handlers<typeof tenants> = {
  putTenant: async ({ body }, ctx) => {
    // In the tenant that is made: its log begins with who made it.
    const { tenant, isNew } = await ctx.kernel.store.write(body.tenant_id, async (tx) => {
      const put = await putTenant(tx, {
        name: body.name,
        orgId: body.org_id ?? null,
        tier: body.tier,
        rpmLimit: body.rpm_limit ?? null,
        degradedModePolicy: body.degraded_mode_policy,
      });
      if (put.isNew) await beginTenant(tx, tx.tenantId);
      const { name, tier, rpmLimit, degradedModePolicy } = put.tenant;
      tx.log({
        kind: put.isNew ? 'tenant.created' : 'tenant.changed',
        actor: ctx.actor,
        subject: { kind: 'tenant', id: tx.tenantId },
        correlationId: ctx.requestId,
        body: { name, tier, rpm_limit: rpmLimit, degraded_mode_policy: degradedModePolicy, by_tenant: ctx.tenantId },
      });
      return put;
    });
    if (!isNew) ctx.answerWith(200);
    return tenantView(tenant);
  },
  getTenant: async ({ params }, ctx) => {
    const own = params.tenant_id.toLowerCase() === ctx.tenantId ? await ctx.read(ownTenant) : null;
    if (!own) throw new NotFound(`no tenant ${params.tenant_id}`);
    return tenantView(own);
  },
};

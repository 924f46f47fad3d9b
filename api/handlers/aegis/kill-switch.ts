import { holdEffects } from '../../../db/containment';
import { killSwitchOf, setKillSwitch } from '../../../db/kill-switch';
import { Forbidden } from '../../../domain/errors';
import type { NewEntry } from '../../../domain/log';
import type { killSwitch } from '../../contracts/aegis/kill-switch';
import type { Ctx, Handlers } from '../../kernel';
import { containment } from './containment';
import { killSwitchView } from './views';

/** @throws Forbidden for any tenant but the caller's, whether it exists or not */
function own(ctx: Ctx, tenantId: string): void {
  if (tenantId.toLowerCase() === ctx.tenantId) return;
  throw new Forbidden('the kill switch of another tenant', { reason: 'tenant_mismatch', authenticated: true });
}

async function turn(ctx: Ctx, tenantId: string, engaged: boolean, reason: string | null) {
  own(ctx, tenantId);
  let turned = false;
  const stands = await ctx.write(async (tx) => {
    if (engaged) await holdEffects(tx);
    const changed = await setKillSwitch(tx, { engaged, reason, changedBy: ctx.actor });
    turned = changed !== null;
    if (!changed) return killSwitchOf(tx);
    tx.log({
      kind: engaged ? 'kill_switch.engaged' : 'kill_switch.disengaged',
      actor: ctx.actor,
      subject: { kind: 'kill_switch', id: ctx.tenantId },
      reason,
      body: { engaged, tenant_wide: true },
    });
    return changed;
  });
  const view = killSwitchView(ctx.tenantId, stands);
  if (!engaged) return view;
  const report = await containment(ctx);
  if (turned) await ctx.write((tx) => Promise.resolve(tx.log(contained(ctx, report))));
  return { ...view, containment: report };
}

/** As many runs and calls as an entry is to hold; the numbers are of all. */
const mostLogged = 200;
const contained = (ctx: Ctx, { runs, calls, ...counts }: Awaited<ReturnType<typeof containment>>): NewEntry => ({
  kind: 'kill_switch.contained',
  actor: ctx.actor,
  subject: { kind: 'kill_switch', id: ctx.tenantId },
  body: { ...counts, runs: runs.slice(0, mostLogged), calls: calls.slice(0, mostLogged) },
});

export const killSwitchHandlers: Handlers<typeof killSwitch> = {
  getKillSwitch: async ({ params }, ctx) => {
    own(ctx, params.tenant_id);
    return killSwitchView(ctx.tenantId, await ctx.read(killSwitchOf));
  },
  setKillSwitch: ({ params, body }, ctx) => turn(ctx, params.tenant_id, body.action === 'engage', body.reason ?? null),
  releaseKillSwitch: ({ params }, ctx) => turn(ctx, params.tenant_id, false, null),
};

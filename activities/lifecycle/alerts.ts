import { Context } from '@temporalio/activity';
import { evaluate } from '../../db/alert-evaluation';
import { pendingSince, settleNotification } from '../../db/alerts';
import type { Write } from '../../db/tx';
import { viaOf } from '../../domain/alert';
import { system } from '../../domain/principal';
import { workflowId } from '../../workflows/ids';
import type { Deps } from '../deps';
import { isGone } from '../integrations/gone';

/** Of one evaluation; `more`: there may be others, which the next one finds. */
export interface Evaluated {
  fired: number;
  ended: number;
  more: boolean;
}

/** Evaluates the tenant's rules, of all agents or of those; what began and what ended commits with its entries. */
export async function evaluateRules(tx: Write, agents: readonly string[] | null): Promise<Evaluated> {
  const { episodes, more } = await evaluate(tx, agents);
  for (const e of episodes)
    tx.log({
      kind: `alert.${e.what}`,
      actor: system,
      subject: { kind: 'alert', id: e.id },
      agentId: e.agentId,
      reason: e.message,
      body: {
        rule_id: e.ruleId, rule_type: e.ruleType, agent_name: e.agentName, run_ids: e.runIds,
        ...(e.what === 'fired' && { measured: e.measured, threshold: e.threshold, notify: viaOf(e.channel) }),
      },
    }); // prettier-ignore
  const fired = episodes.filter((e) => e.what === 'fired').length;
  return { fired, ended: episodes.length - fired, more };
}

/** How telling of an alert came out, for good; false when that is known already. */
export async function recordNotified(
  tx: Write,
  alertId: string,
  how: { delivered: boolean; attempts: number | null; error: string | null },
): Promise<boolean> {
  const alert = await settleNotification(tx, alertId, how);
  if (!alert) return false;
  tx.log({
    kind: how.delivered ? 'alert.delivered' : 'alert.undelivered',
    actor: system,
    subject: { kind: 'alert', id: alert.id },
    decision: how.delivered ? 'allow' : 'error',
    reason: how.error,
    body: { rule_id: alert.ruleId, agent_name: alert.agentName, attempts: alert.notifyAttempts },
  });
  return true;
}

/** By then the reader of the log has started what tells of it, or Temporal has been away. */
const graceSeconds = 60;

export const alertActivities = ({ store, temporal, logger }: Pick<Deps, 'store' | 'temporal' | 'logger'>) => {
  const undelivered = (tenantId: string, alertId: string, error: string): Promise<boolean> =>
    store.write(tenantId, (tx) => recordNotified(tx, alertId, { delivered: false, attempts: null, error }));

  return {
    /** All rules of all tenants, and alerts whose notification was terminated: nothing is undelivered in silence. */
    async evaluateTenants(): Promise<{ fired: number; ended: number }> {
      const sum = { fired: 0, ended: 0 };
      for (const tenantId of await store.tenants()) {
        for (let more = true; more;) {
          Context.current().heartbeat(tenantId);
          const found = await store.write(tenantId, (tx) => evaluateRules(tx, null));
          sum.fired += found.fired;
          sum.ended += found.ended;
          ({ more } = found);
        }
        for (const id of await store.read(tenantId, (tx) => pendingSince(tx, graceSeconds))) {
          Context.current().heartbeat(tenantId);
          if ((await isGone(temporal, workflowId('notifyAlert', tenantId, id))) !== 'ended') continue;
          if (await undelivered(tenantId, id, 'its workflow was terminated'))
            logger.warn({ alert: id }, 'the notification of an alert was terminated');
        }
      }
      return sum;
    },

    /** Telling of it was given up. */
    alertUndelivered: undelivered,
  };
};

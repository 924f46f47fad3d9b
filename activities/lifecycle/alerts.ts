import { Context } from '@temporalio/activity';
import { evaluate } from '../../db/alert-evaluation';
import { alertById, alertsIn } from '../../db/alerts';
import { noticesIn } from '../../db/gate-notices';
import type { Outcome } from '../../db/notifications';
import type { Read, Write } from '../../db/tx';
import { viaOf } from '../../domain/alert';
import { system } from '../../domain/principal';
import { workflowId } from '../../workflows/ids';
import type { Deps } from '../deps';
import { isGone } from '../integrations/gone';
import { recordNoticed } from './gate-notices';

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
export async function recordNotified(tx: Write, alertId: string, how: Outcome): Promise<boolean> {
  if (!(await alertsIn.settle(tx, alertId, how))) return false;
  const alert = await alertById(tx, alertId);
  if (!alert) throw new Error(`no row for alert ${alertId}`);
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

  const unnoticed = (tenantId: string, noticeId: string, error: string): Promise<boolean> =>
    store.write(tenantId, (tx) => recordNoticed(tx, noticeId, { delivered: false, attempts: null, error }));
  /** What somebody is to be told of, and nobody tells any more. */
  const giveUp = async (
    tenantId: string,
    kind: 'notifyAlert' | 'notifyGate',
    pendingSince: (tx: Read, seconds: number) => Promise<string[]>,
    settle: (tenantId: string, id: string, error: string) => Promise<boolean>,
  ): Promise<void> => {
    for (const id of await store.read(tenantId, (tx) => pendingSince(tx, graceSeconds))) {
      Context.current().heartbeat(tenantId);
      if ((await isGone(temporal, workflowId(kind, tenantId, id))) !== 'ended') continue;
      if (await settle(tenantId, id, 'its workflow was terminated'))
        logger.warn({ kind, id }, 'a notification was terminated');
    }
  };

  return {
    /** All rules of all tenants, and alerts and changes whose notification was terminated: nothing is undelivered in silence. */
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
        await giveUp(tenantId, 'notifyAlert', alertsIn.pendingSince, undelivered);
        await giveUp(tenantId, 'notifyGate', noticesIn.pendingSince, unnoticed);
      }
      return sum;
    },

    /** Telling of it was given up. */
    alertUndelivered: undelivered,
    gateUnnoticed: unnoticed,
  };
};

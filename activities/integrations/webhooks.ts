import { request as plain } from 'node:http';
import { request as secure } from 'node:https';
import { Context } from '@temporalio/activity';
import { useAgent } from 'request-filtering-agent';
import { Webhook } from 'standardwebhooks';
import { alertById, notAttained, ruleById, sealedSecretOf } from '../../db/alerts';
import { viaOf, type Alert, type AlertRule } from '../../domain/alert';
import { Invalid } from '../../domain/errors';
import { unseal } from '../../log/keys';
import type { Deps } from '../deps';
import { recordNotified } from '../lifecycle/alerts';

/** The receiver's whole answer has to be there by then; of its body nothing is read. */
const patienceMs = 10_000;

/** What is signed and sent; the same bytes at every attempt. */
const payloadOf = (alert: Alert, rule: AlertRule): string =>
  JSON.stringify({
    type: 'alert.fired',
    timestamp: alert.firedAt,
    data: {
      alert_id: alert.id,
      rule_id: rule.id,
      rule_type: alert.ruleType,
      agent_name: alert.agentName,
      message: alert.message,
      run_ids: alert.runIds,
      fired_at: alert.firedAt,
    },
  });

/** Posts it; redirects are answers like others. Gives the status. @throws Error when there is none in time */
function post(url: string, body: string, headers: Record<string, string>, allowPrivate: boolean): Promise<number> {
  const agent = useAgent(url, { allowPrivateIPAddress: allowPrivate });
  const request = new URL(url).protocol === 'https:' ? secure : plain;
  return new Promise<number>((resolve, reject) => {
    const asked = request(
      url,
      { method: 'POST', agent, headers, signal: AbortSignal.timeout(patienceMs) },
      (answer) => {
        resolve(answer.statusCode ?? 0);
        answer.destroy();
      },
    );
    asked.on('error', reject).end(body);
  }).finally(() => {
    agent.destroy();
  });
}

/** The words of the egress guard, which gives its refusals no code of their own. */
const isRefusal = (e: unknown): boolean => e instanceof Error && / is not allowed\. Because, /.test(e.message);

export const webhookActivities = ({
  store,
  masterKey,
  webhookAllowPrivate,
}: Pick<Deps, 'store' | 'masterKey' | 'webhookAllowPrivate'>) => ({
  /**
   * Tells the receiver of the alert's rule, as Standard Webhooks says: the alert's id is the message's, so whoever gets it
   * twice knows. Anything but 2xx is repeated, except 410 and an address that no webhook may go to.
   * @throws Invalid when another attempt could not come out differently
   */
  async sendAlert(tenantId: string, alertId: string): Promise<void> {
    const { alert, rule, sealed } = await store.read(tenantId, async (tx) => {
      const alert = await alertById(tx, alertId);
      const rule = alert && (await ruleById(tx, alert.ruleId));
      return { alert, rule, sealed: rule && (await sealedSecretOf(tx, rule.id)) };
    });
    if (!alert || !rule) throw new Invalid(`there is no alert ${alertId}`);
    if (alert.notification !== 'pending') return;
    const url = rule.notifyChannel;
    if (url === null || viaOf(url) !== 'webhook' || !sealed) throw new Invalid(`rule ${rule.id} has no webhook`);

    const { attempt } = Context.current().info;
    const body = payloadOf(alert, rule);
    const now = new Date();
    const secret = unseal(masterKey, sealed, `alert-rule:${rule.id}`).toString();
    const headers = {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      'user-agent': 'wheelhouse',
      'webhook-id': alert.id,
      'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
      'webhook-signature': new Webhook(secret).sign(alert.id, now, body),
    };
    const failed = async (error: string): Promise<void> =>
      void (await store.write(tenantId, (tx) => notAttained(tx, alert.id, attempt, error)));

    let status: number;
    try {
      status = await post(url, body, headers, webhookAllowPrivate);
    } catch (e) {
      const words = e instanceof Error ? e.message : String(e);
      await failed(words);
      throw isRefusal(e) ? new Invalid(words) : e;
    }
    if (status < 200 || status > 299) {
      const words = `the receiver answered ${status}`;
      await failed(words);
      throw status === 410 ? new Invalid(words) : new Error(words);
    }
    await store.write(tenantId, (tx) =>
      recordNotified(tx, alert.id, { delivered: true, attempts: attempt, error: null }),
    );
  },
});

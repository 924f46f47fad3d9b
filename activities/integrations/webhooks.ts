import { Context } from '@temporalio/activity';
import { Webhook } from 'standardwebhooks';
import { alertById, alertsIn, ruleById, sealedSecretOf } from '../../db/alerts';
import { channelOf, gateNotices, makeMoot, noticesIn } from '../../db/gate-notices';
import { gates } from '../../db/gates';
import type { Read } from '../../db/tx';
import { viaOf, type Alert, type AlertRule } from '../../domain/alert';
import { Invalid } from '../../domain/errors';
import { unseal } from '../../log/keys';
import { isGuarded, post } from '../../pipeline/egress';
import type { Deps } from '../deps';
import { recordNotified } from '../lifecycle/alerts';
import { recordNoticed } from '../lifecycle/gate-notices';

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

interface Message {
  /** The same at every attempt. */
  id: string;
  url: string;
  /** Sealed for `owner`. */
  sealed: Buffer;
  owner: string;
  body: string;
}

export const webhookActivities = ({
  store,
  masterKey,
  webhookAllowPrivate: allowPrivate,
}: Pick<Deps, 'store' | 'masterKey' | 'webhookAllowPrivate'>) => {
  /**
   * One attempt to have the receiver take it, as Standard Webhooks says: who gets it twice knows it by its id. Anything but
   * 2xx is repeated, except 410 and an address that no webhook may go to.
   * @throws Invalid when another attempt could not come out differently
   */
  async function deliver(
    { id, url, sealed, owner, body }: Message,
    failed: (attempt: number, error: string) => Promise<void>,
  ): Promise<number> {
    const { attempt } = Context.current().info;
    const now = new Date();
    const secret = unseal(masterKey, sealed, owner).toString();
    const headers = {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      'user-agent': 'wheelhouse',
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
      'webhook-signature': new Webhook(secret).sign(id, now, body),
    };
    let status: number;
    try {
      status = await post(url, body, headers, { allowPrivate, patienceMs });
    } catch (e) {
      const words = e instanceof Error ? e.message : String(e);
      await failed(attempt, words);
      throw isGuarded(e) ? new Invalid(words) : e;
    }
    if (status < 200 || status > 299) {
      const words = `the receiver answered ${status}`;
      await failed(attempt, words);
      throw status === 410 ? new Invalid(words) : new Error(words);
    }
    return attempt;
  }
  const keep =
    (tenantId: string, id: string, notAttained: (tx: Read, id: string, n: number, e: string) => Promise<void>) =>
    (attempt: number, error: string) =>
      store.write(tenantId, (tx) => notAttained(tx, id, attempt, error));

  return {
    /** Tells the receiver of the alert's rule. @throws Invalid when another attempt could not come out differently */
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
      const message = { id: alert.id, url, sealed, owner: `alert-rule:${rule.id}`, body: payloadOf(alert, rule) };
      const attempts = await deliver(message, keep(tenantId, alert.id, alertsIn.notAttained));
      await store.write(tenantId, (tx) => recordNotified(tx, alert.id, { delivered: true, attempts, error: null }));
    },

    /** Tells a group of a change that waits for it. @throws Invalid when another attempt could not come out differently */
    async sendGateNotice(tenantId: string, noticeId: string): Promise<void> {
      const { notice, gate, channel } = await store.read(tenantId, async (tx) => {
        const notice = await gateNotices.byId(tx, noticeId);
        const gate = notice && (await gates.byId(tx, notice.gateId));
        return { notice, gate, channel: notice && (await channelOf(tx, notice.groupId)) };
      });
      if (!notice || !gate) throw new Invalid(`there is no notice ${noticeId}`);
      if (notice.notification !== 'pending') return;
      if (gate.status !== 'pending') return void (await store.write(tenantId, (tx) => makeMoot(tx, notice.id)));
      if (!channel) throw new Invalid('its group is told no more');
      const message = { id: notice.id, ...channel, owner: `raci-group:${notice.groupId}`, body: notice.payload };
      const attempts = await deliver(message, keep(tenantId, notice.id, noticesIn.notAttained));
      await store.write(tenantId, (tx) => recordNoticed(tx, notice.id, { delivered: true, attempts, error: null }));
    },
  };
};

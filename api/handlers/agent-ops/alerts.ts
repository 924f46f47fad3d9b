import { randomBytes } from 'node:crypto';
import {
  acknowledge, alertById, insertRule, listAlerts, listRules, ruleById, sealedSecretOf,
} from '../../../db/alerts'; // prettier-ignore
import { ruleTypes, viaOf, type Alert, type AlertRule } from '../../../domain/alert';
import { NotFound } from '../../../domain/errors';
import { seal, unseal } from '../../../log/keys';
import type { alertOperations } from '../../contracts/agent-ops/alerts';
import { pageOf } from '../../contracts/agent-ops/door';
import type { Handlers } from '../../kernel';

const ruleView = (r: AlertRule) => ({
  id: r.id,
  rule_type: r.ruleType,
  threshold: { [ruleTypes[r.ruleType].field]: r.threshold },
  agent_name: r.agentName,
  notify_channel: r.notifyChannel,
  enabled: r.enabled,
  created_at: r.createdAt,
});

const alertView = (a: Alert) => ({
  id: a.id,
  rule_id: a.ruleId,
  rule_type: a.ruleType,
  agent_name: a.agentName,
  message: a.message,
  run_ids: a.runIds,
  fired_at: a.firedAt,
  ended_at: a.endedAt,
  acknowledged_at: a.acknowledgedAt,
  acknowledged_by: a.acknowledgedBy,
  acknowledged_actor: a.acknowledgedActor,
  notification: a.notification && {
    status: a.notification,
    attempts: a.notifyAttempts,
    error: a.notifyError,
    delivered_at: a.notifiedAt,
  },
});

const about = (ruleId: string): string => `alert-rule:${ruleId}`;

export const alertHandlers: Handlers<typeof alertOperations> = {
  listAlertRules: async ({ query: { limit, cursor } }, ctx) => {
    const rows = await ctx.read((tx) => listRules(tx, { after: cursor ?? null, limit: limit + 1 }));
    return pageOf(rows, limit, ruleView);
  },

  createAlertRule: ({ body }, ctx) =>
    ctx.write(async (tx) => {
      const ruleType = (body.type ?? body.rule_type) as AlertRule['ruleType'];
      const id = ctx.newId('alert rule');
      const notifyChannel = body.notify_channel ?? null;
      const secret = viaOf(notifyChannel) === 'webhook' ? `whsec_${randomBytes(24).toString('base64')}` : null;
      const made = await insertRule(
        tx,
        {
          id,
          tenantId: ctx.tenantId,
          ruleType,
          threshold: body.threshold[ruleTypes[ruleType].field] as number,
          agentName: body.agent_name ?? null,
          notifyChannel,
          enabled: body.enabled,
          createdBy: ctx.actor,
        },
        secret === null ? null : seal(ctx.kernel.masterKey, secret, about(id)),
      );
      if (made) {
        tx.log({
          kind: 'alert_rule.created',
          actor: ctx.actor,
          subject: { kind: 'alert_rule', id },
          body: {
            rule_type: made.ruleType, threshold: made.threshold, agent_name: made.agentName,
            notify: viaOf(made.notifyChannel), enabled: made.enabled,
          },
        }); // prettier-ignore
        return { ...ruleView(made), ...(secret !== null && { signing_secret: secret }) };
      }
      // The same request, whose first answer was lost: the secret has not been seen yet.
      const rule = await ruleById(tx, id);
      if (!rule) throw new Error(`alert rule ${id} is not there`);
      const sealed = await sealedSecretOf(tx, id);
      const shown = sealed && unseal(ctx.kernel.masterKey, sealed, about(id)).toString();
      return { ...ruleView(rule), ...(shown !== null && { signing_secret: shown }) };
    }),

  listAlerts: async ({ query: { limit, cursor, agent_name: agentName = null, unacknowledged = null } }, ctx) => {
    const rows = await ctx.read((tx) =>
      listAlerts(tx, { agentName, unacknowledged }, { after: cursor ?? null, limit: limit + 1 }),
    );
    return pageOf(rows, limit, alertView);
  },

  acknowledgeAlert: ({ params: { id }, body }, ctx) =>
    ctx.write(async (tx) => {
      const label = body.acknowledged_by ?? 'api';
      const taken = await acknowledge(tx, id, label, ctx.actor);
      if (taken)
        tx.log({
          kind: 'alert.acknowledged',
          actor: ctx.actor,
          subject: { kind: 'alert', id },
          body: { rule_id: taken.ruleId, agent_name: taken.agentName, acknowledged_by: label },
        });
      const alert = taken ?? (await alertById(tx, id));
      if (!alert) throw new NotFound(`no alert ${id}`);
      return alertView(alert);
    }),
};

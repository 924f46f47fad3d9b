import { z } from 'zod';
import { notifications, ruleTypeNames, ruleTypes, type RuleType } from '../../../domain/alert';
import { operation } from '../../operation';
import { byUuid, flag, Instant, name, webhookUrl } from '../shapes';
import { at, keysetPage, listed } from './door';

const ruleType = z.enum(ruleTypeNames);
const fields = Object.values(ruleTypes).map((t) => t.field);
const Threshold = z.strictObject(
  Object.fromEntries(fields.map((f) => [f, z.number().optional()])) as Record<
    (typeof fields)[number],
    z.ZodOptional<z.ZodNumber>
  >,
);
type Thresholds = z.output<typeof Threshold>;

/** The field that goes with the type, alone, with a value that it may have. */
function checkThreshold(type: RuleType, threshold: Thresholds, ctx: z.RefinementCtx): void {
  const { field, whole, min, max } = ruleTypes[type];
  const value = threshold[field];
  const right = value !== undefined && value >= min && value <= max && (!whole || Number.isInteger(value));
  const wrong = (path: string, message: string): void =>
    ctx.addIssue({ code: 'custom', path: ['threshold', path], message });
  if (!right) wrong(field, `${type} needs a ${whole ? 'whole ' : ''}number from ${min} to ${max}`);
  for (const other of fields)
    if (other !== field && threshold[other] !== undefined) wrong(other, `${type} has ${field} alone`);
}

const Channel = z.union([z.literal('log'), webhookUrl], 'is `log`, or an https or http URL without a password');

const RuleShape = z.object({
  id: z.uuid(),
  rule_type: ruleType,
  threshold: Threshold,
  agent_name: z.string().nullable(),
  notify_channel: z.string().nullable(),
  enabled: z.boolean(),
  created_at: Instant,
});

const Actor = z.object({ id: z.string().nullable(), kind: z.string(), name: z.string() });
const AlertShape = z.object({
  id: z.uuid(),
  rule_id: z.uuid(),
  rule_type: ruleType,
  agent_name: z.string(),
  message: z.string(),
  run_ids: z.array(z.uuid()).describe('The runs that caused it, newest first; the newest of many'),
  fired_at: Instant,
  ended_at: Instant.nullable().describe('When the condition no longer held; null while it does'),
  acknowledged_at: Instant.nullable(),
  acknowledged_by: z.string().nullable().describe('What they called themselves'),
  acknowledged_actor: Actor.nullable().describe('Who they are'),
  notification: z
    .object({
      status: z.enum(notifications),
      attempts: z.int(),
      error: z.string().nullable(),
      delivered_at: Instant.nullable(),
    })
    .nullable(),
});

export const alertOperations = {
  listAlertRules: operation({
    ...at('GET', '/alert-rules'),
    tag: 'alert-rules',
    summary: 'Alert rules, newest first',
    access: 'agent-ops:read',
    query: keysetPage,
    ...listed(RuleShape),
  }),
  createAlertRule: operation({
    ...at('POST', '/alert-rules'),
    tag: 'alert-rules',
    summary: "Make an alert rule; the answer alone shows the secret that a URL's webhooks are signed with",
    access: 'agent-ops:write',
    status: 201,
    body: z
      .object({
        type: ruleType.optional(),
        rule_type: ruleType.optional().describe('The same as type'),
        threshold: Threshold,
        agent_name: name(200).nullish().describe('Null: every registered agent'),
        notify_channel: Channel.nullish().describe('`log`, or the URL that a signed webhook goes to'),
        enabled: z.boolean().default(true),
      })
      .superRefine((body, ctx) => {
        const type = body.type ?? body.rule_type;
        if (type === undefined) ctx.addIssue({ code: 'custom', path: ['type'], message: `is one of ${ruleTypeNames.join(', ')}` });
        else if (body.rule_type !== undefined && body.rule_type !== type)
          ctx.addIssue({ code: 'custom', path: ['rule_type'], message: 'is another than type' });
        else checkThreshold(type, body.threshold, ctx);
      })
      .meta({ example: { type: 'consecutive_failures', threshold: { max_failures: 3 } } }),
    output: RuleShape.extend({ signing_secret: z.string().optional() }),
  }),
  listAlerts: operation({
    ...at('GET', '/alerts'),
    tag: 'alerts',
    summary: 'Alerts that fired, newest first',
    access: 'agent-ops:read',
    query: keysetPage.extend({ agent_name: name(200).optional(), unacknowledged: flag.optional() }),
    ...listed(AlertShape),
  }),
  acknowledgeAlert: operation({
    ...at('POST', '/alerts/:id/acknowledge'),
    tag: 'alerts',
    summary: 'Acknowledge an alert, once: a repeat answers what stands',
    access: 'agent-ops:write',
    params: byUuid('id'),
    body: z.object({ acknowledged_by: name(200).optional().describe('A label: who acknowledges is the principal') }),
    output: AlertShape,
    errors: ['NotFound'],
  }),
}; // prettier-ignore

import { AlertRuleSchema, AlertSchema } from '../domain/alert.schema';
import type { Alert, AlertRule } from '../domain/alert';
import type { Actor } from '../domain/principal';
import { entity } from './entity';
import { micros } from './instant';
import { notificationsIn } from './notifications';
import { conditions } from './paging';
import { prepared } from './prepared';
import type { Read } from './tx';

const rules = entity('alert_rules', AlertRuleSchema, ['createdAt']);
const alerts = entity('alerts', AlertSchema, []);

interface Page {
  /** The last row of the page before. */
  after: { at: string; id: string } | null;
  limit: number;
}
/** With its place in its list, to the microsecond. */
export type Placed<T> = T & { at: string };

/** Newest first. */
async function listed<T>(
  tx: Read,
  of: { table: string; time: string; columns: string; parse: (row: unknown) => T },
  where: ReturnType<typeof conditions>,
  { after, limit }: Page,
): Promise<Placed<T>[]> {
  const { table, time, columns, parse } = of;
  if (after) where.add((p) => `(${time}, id) < (${p}::timestamptz, $${where.params.push(after.id)}::uuid)`, after.at);
  // A number that the planner sees: of a parameter it has to guess, and guesses a tenth of the table.
  const most = 2 ** Math.ceil(Math.log2(Math.max(16, limit)));
  const { rows } = await prepared<{ at: string }>(
    tx,
    `select * from (select ${columns}, ${micros(time)} as at from ${table} where ${where.text()}
     order by ${time} desc, id desc limit ${most}) page limit $${where.params.push(limit)}`,
    where.params,
  );
  return rows.map((row) => ({ ...parse(row), at: row.at }));
}

export const listRules = (tx: Read, page: Page): Promise<Placed<AlertRule>[]> =>
  listed(
    tx,
    { table: 'alert_rules', time: 'created_at', columns: rules.columns(), parse: rules.parse },
    conditions(),
    page,
  );

export function listAlerts(
  tx: Read,
  f: { agentName: string | null; unacknowledged: boolean | null },
  page: Page,
): Promise<Placed<Alert>[]> {
  const where = conditions();
  where.add((p) => `agent_name = ${p}`, f.agentName);
  if (f.unacknowledged !== null) where.add((p) => `(acknowledged_at is null) = ${p}`, f.unacknowledged);
  return listed(tx, { table: 'alerts', time: 'fired_at', columns: alerts.columns(), parse: alerts.parse }, where, page);
}

/** Null when a rule with this id stands already. */
export async function insertRule(
  tx: Read,
  rule: Omit<AlertRule, 'createdAt'>,
  secret: Buffer | null,
): Promise<AlertRule | null> {
  const { rows } = await tx.query(
    `insert into alert_rules (id, tenant_id, rule_type, threshold, agent_name, notify_channel, secret_sealed, enabled, created_by)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing returning ${rules.columns()}`,
    [
      rule.id,
      rule.tenantId,
      rule.ruleType,
      rule.threshold,
      rule.agentName,
      rule.notifyChannel,
      secret,
      rule.enabled,
      rule.createdBy,
    ],
  );
  return rows[0] ? rules.parse(rows[0]) : null;
}

export const ruleById = (tx: Read, id: string): Promise<AlertRule | null> => rules.byId(tx, id);
export const alertById = (tx: Read, id: string): Promise<Alert | null> => alerts.byId(tx, id);

/** What the rule's webhooks are signed with, sealed. */
export async function sealedSecretOf(tx: Read, ruleId: string): Promise<Buffer | null> {
  const { rows } = await prepared<{ secret_sealed: Buffer | null }>(
    tx,
    'select secret_sealed from alert_rules where id = $1',
    [ruleId],
  );
  return rows[0]?.secret_sealed ?? null;
}

const changed = async (tx: Read, set: string, params: unknown[]): Promise<Alert | null> => {
  const { rows } = await prepared(tx, `update alerts set ${set} returning ${alerts.columns()}`, params);
  return rows[0] ? alerts.parse(rows[0]) : null;
};

/** Null when there is no such alert, or somebody was first. */
export const acknowledge = (tx: Read, id: string, label: string, actor: Actor): Promise<Alert | null> =>
  changed(
    tx,
    `acknowledged_at = now(), acknowledged_by = $2, acknowledged_actor = $3 where id = $1 and acknowledged_at is null`,
    [id, label, actor],
  );

/** How telling of alerts went. */
export const alertsIn = notificationsIn('alerts');

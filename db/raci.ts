import { RaciRuleSchema } from '../domain/raci.schema';
import type { RaciRule } from '../domain/raci';
import { endedStatuses } from '../domain/run';
import { entity } from './entity';
import { prepared } from './prepared';
import type { Read } from './tx';

export const raciRules = entity('raci_rules', RaciRuleSchema, ['number']);

export const enabledRaciRules = (tx: Read): Promise<RaciRule[]> =>
  raciRules.list(tx, 'where enabled order by lower(name)', []);

const columns = {
  name: 'name', intent: 'intent', keywords: 'keywords', ticketClass: 'ticket_class', priority: 'priority',
  assignmentGroup: 'assignment_group', responsible: 'responsible', accountable: 'accountable', consulted: 'consulted',
  informed: 'informed', approvalRequired: 'approval_required', approvalAction: 'approval_action', riskLevel: 'risk_level',
  knowledgeTags: 'knowledge_tags', autoAssignAgent: 'auto_assign_agent', autoAgentModel: 'auto_agent_model',
  autoAgentPrompt: 'auto_agent_prompt', enabled: 'enabled',
} as const satisfies Partial<Record<keyof RaciRule, string>>; // prettier-ignore
const fields = Object.keys(columns) as (keyof typeof columns)[];
const saving = `update raci_rules set ${fields.map((f, i) => `${columns[f]} = $${i + 2}`).join(', ')}, updated_at = now() where id = $1`;

export async function saveRaciRule(tx: Read, rule: RaciRule): Promise<void> {
  await prepared(tx, saving, [rule.id, ...fields.map((f) => rule[f])]);
}

/** By name, number or id, held until the transaction ends. */
export async function heldRaciRule(
  tx: Read,
  of: { name: string } | { number: number } | { id: string },
): Promise<RaciRule | null> {
  const [where, value] =
    'name' in of ? ['lower(name) = lower($1)', of.name] : 'id' in of ? ['id = $1', of.id] : ['number = $1', of.number];
  const [found] = await raciRules.list(tx, `where ${where} for update`, [value]);
  return found ?? null;
}

/** Those that set agents to work. */
export const autoRules = (tx: Read): Promise<RaciRule[]> =>
  raciRules.list(tx, 'where enabled and auto_assign_agent order by number', []);

/** Tickets beside this one that the rule has an agent at work on; one that is only just being set to work counts. */
export async function atWorkFor(tx: Read, ruleId: string, ticketId: string): Promise<number> {
  const { rows } = await tx.query<{ n: number }>(
    `select count(*)::int as n from auto_assignments a left join runs r on r.id = a.run_id
     where a.rule_id = $1 and a.ticket_id <> $2 and a.given_up is null
       and case when r.id is null then a.assigned_at > now() - interval '10 minutes' else not r.status = any($3) end`,
    [ruleId, ticketId, endedStatuses],
  );
  return rows[0]?.n ?? 0;
}

export interface AutoAssignment {
  ruleId: string;
  runId: string;
  score: number;
  givenUp: string | null;
}

export async function autoAssignmentOf(tx: Read, ticketId: string): Promise<AutoAssignment | null> {
  const { rows } = await prepared<AutoAssignment & Record<string, unknown>>(
    tx,
    `select rule_id as "ruleId", run_id as "runId", score, given_up as "givenUp" from auto_assignments where ticket_id = $1`,
    [ticketId],
  );
  return rows[0] ?? null;
}

/** False: it has one. */
export async function takePlace(
  tx: Read,
  ticketId: string,
  { ruleId, runId, score }: Omit<AutoAssignment, 'givenUp'>,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `insert into auto_assignments (ticket_id, tenant_id, rule_id, run_id, score) values ($1, $2, $3, $4, $5)
     on conflict do nothing`,
    [ticketId, tx.tenantId, ruleId, runId, score],
  );
  return rowCount === 1;
}

export const giveUpPlace = (tx: Read, ticketId: string, why: string): Promise<unknown> =>
  tx.query('update auto_assignments set given_up = $2 where ticket_id = $1', [ticketId, why]);

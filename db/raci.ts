import { RaciRuleSchema } from '../domain/raci.schema';
import type { RaciRule } from '../domain/raci';
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

/** By name or number, held until the transaction ends. */
export async function heldRaciRule(tx: Read, of: { name: string } | { number: number }): Promise<RaciRule | null> {
  const [found] =
    'name' in of
      ? await raciRules.list(tx, 'where lower(name) = lower($1) for update', [of.name])
      : await raciRules.list(tx, 'where number = $1 for update', [of.number]);
  return found ?? null;
}

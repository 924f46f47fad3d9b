import { v5 } from 'uuid';
import { usualGroups, usualRules } from '../domain/raci-usual';

/** A transaction in the new tenant: its owner's, or the application's. */
interface Db {
  query(sql: string, params?: unknown[]): Promise<unknown>;
}

const builtinTools = [
  'logs.*',
  'knowledge.search',
  'blueprints.match',
  'tickets.related',
  'tickets.note',
  'vault.check',
  'site.publish',
  'transaction',
  'customer_history',
  'terminal_history',
  'neighbours',
  'back_test',
];
const logTools = ['profile', 'templates', 'errors', 'bursts', 'sources', 'search'].map((name) => `logs.${name}`);
export const analystTools = builtinTools.flatMap((name) => (name === 'logs.*' ? logTools : [name]));

/** What a tenant begins with, beside its row and its people: the parts of the installation, the analyst, the RACI matrix. */
export async function beginTenant(db: Db, tenantId: string): Promise<void> {
  await db.query('select add_parts($1)', [tenantId]);
  const analyst = v5('agent:analyst', tenantId);
  await db.query(
    `insert into agents (id, tenant_id, name, description, harness, agent_type, capabilities)
     values ($1, $2, 'analyst', 'Reads evidence, ranks hypotheses, proposes what people decide', 'embedded', 'real_time_responder', $3)`,
    [analyst, tenantId, analystTools],
  );
  for (const tool of analystTools) {
    await db.query(`insert into agent_grants (id, tenant_id, agent_id, tool, effect) values ($1, $2, $3, $4, 'ALLOW')`, [
      v5(tool, analyst), tenantId, analyst, tool,
    ]); // prettier-ignore
  }
  await beginMatrix(db, tenantId);
}

/** The groups and rules that it begins with; from then on they are its people's. */
async function beginMatrix(db: Db, tenantId: string): Promise<void> {
  for (const name of usualGroups)
    await db.query('insert into raci_groups (id, tenant_id, name) values ($1, $2, $3)', [
      v5(`raci_group:${name}`, tenantId), tenantId, name,
    ]); // prettier-ignore
  for (const r of usualRules)
    await db.query(
      `insert into raci_rules (id, tenant_id, name, intent, keywords, ticket_class, priority, assignment_group, responsible, accountable,
         consulted, informed, approval_required, approval_action, risk_level, knowledge_tags, auto_assign_agent, auto_agent_prompt, enabled)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, true)`,
      [
        v5(`raci_rule:${r.name}`, tenantId), tenantId, r.name, r.intent, r.keywords, r.ticketClass, r.priority, r.assignmentGroup,
        r.responsible, r.accountable, r.consulted, r.informed, r.approvalRequired, r.approvalAction, r.riskLevel, r.knowledgeTags,
        r.autoAssignAgent, r.autoAgentPrompt,
      ],
    ); // prettier-ignore
}

import { hash } from '@node-rs/argon2';
import { Client } from 'pg';
import { v5, v7 } from 'uuid';
import { usualGroups, usualRules } from '../domain/raci-usual';
import { scopesOf } from '../domain/scopes';
import { hashKey, newApiKey } from './credentials';
import { keyPurposes, newKey } from './keys';

export interface Provision {
  slug: string;
  fourEyes: 'strict' | 'agent_only';
  operatorSignals: boolean;
  adminEmail: string;
  adminPassword: string;
  masterKey: Buffer;
  /** A key that should open the tenant; when it does not, a new one is made. */
  apiKey: string | null;
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

/**
 * A tenant with its administrator, its analyst, its RACI matrix and a key; and, once for the installation, the keys that sign. Finds what
 * is there. Runs as the database's owner.
 */
export async function provisionTenant(
  databaseUrl: string,
  wanted: Provision,
): Promise<{ tenantId: string; apiKey: string }> {
  const db = new Client({ connectionString: databaseUrl });
  await db.connect();
  try {
    await db.query('begin');
    await db.query(`select pg_advisory_xact_lock(hashtextextended('provision', 0))`);
    await db.query(`set local app.system = 'on'`);
    for (const purpose of keyPurposes) {
      const key = newKey(purpose, wanted.masterKey);
      await db.query(
        `insert into signing_keys (fingerprint, purpose, public_pem, private_sealed)
         select $1, $2, $3, $4 where not exists (select from signing_keys where purpose = $2 and retired_at is null)`,
        [key.fingerprint, purpose, key.pem, key.sealed],
      );
    }
    const found = await db.query<{ id: string }>('select id from tenants where slug = $1', [wanted.slug]);
    const tenantId = found.rows[0]?.id ?? v7();
    await db.query(`select set_config('app.tenant', $1, true)`, [tenantId]);
    if (!found.rows[0]) {
      await db.query('insert into tenants (id, slug, name, four_eyes, operator_signals) values ($1, $2, $2, $3, $4)', [
        tenantId, wanted.slug, wanted.fourEyes, wanted.operatorSignals,
      ]); // prettier-ignore
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
    const userId = await ensureUser(db, tenantId, wanted.adminEmail, wanted.adminPassword, 'ADMIN');
    const apiKey = await ensureKey(db, tenantId, userId, wanted.apiKey);
    await db.query('commit');
    return { tenantId, apiKey };
  } finally {
    await db.end();
  }
}

/** The groups and rules that it begins with; from then on they are its people's. */
async function beginMatrix(db: Client, tenantId: string): Promise<void> {
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

/** The user of that address; made with the password when there is none. */
export async function ensureUser(
  db: Client,
  tenantId: string,
  email: string,
  password: string,
  role: string,
): Promise<string> {
  const { rows } = await db.query<{ id: string }>(
    'select id from users where tenant_id = $1 and lower(email) = lower($2)',
    [tenantId, email],
  );
  if (rows[0]) return rows[0].id;
  const id = v7();
  await db.query('insert into users (id, tenant_id, email, full_name, role, password_hash) values ($1, $2, $3, $3, $4, $5)', [
    id, tenantId, email, role, await hash(password),
  ]); // prettier-ignore
  return id;
}

async function ensureKey(db: Client, tenantId: string, userId: string, given: string | null): Promise<string> {
  if (given !== null) {
    const { rowCount } = await db.query(
      'select 1 from api_keys where tenant_id = $1 and key_hash = $2 and revoked_at is null',
      [tenantId, hashKey(given)],
    );
    if (rowCount) return given;
  }
  return insertKey(db, { tenantId, name: 'administrator', role: 'ADMIN', userId });
}

/** A key of a user, or of nobody (then it is a service of its own); the only time it is seen. */
export async function insertKey(
  db: { query(sql: string, params: unknown[]): Promise<unknown> },
  of: { tenantId: string; name: string; role: string; userId: string | null },
): Promise<string> {
  const made = newApiKey();
  await db.query(
    `insert into api_keys (id, tenant_id, name, key_hash, key_prefix, role, scopes, user_id) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [v7(), of.tenantId, of.name, made.hash, made.prefix, of.role, scopesOf(of.role), of.userId],
  );
  return made.key;
}

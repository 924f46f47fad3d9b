import { Client } from 'pg';
import { leaks, unnoticed } from '../../proofs/isolation/probe';
import { rights, unisolated } from '../../proofs/isolation/tables';
import { freshDatabase } from '../stack';

let owner: Client;
let drop: () => Promise<void>;

beforeAll(async () => {
  const database = await freshDatabase();
  owner = new Client({ connectionString: database.url });
  await owner.connect();
  drop = database.drop;
});
afterAll(async () => {
  await owner.end();
  await drop();
});

test('every table forces row-level security with the policy of all, or has its reason; the role may no more than its rights', async () => {
  expect(await unisolated(owner)).toEqual([]);
});

test('a new table without isolation is found', async () => {
  await owner.query('begin; create table forgotten (id uuid primary key, tenant_id uuid not null)');
  const found = await unisolated(owner);
  await owner.query('rollback');
  expect(found).toEqual([
    'forgotten: row-level security is not forced',
    'forgotten: has not the policy of every table',
  ]);
});

test('no tenant reaches a row of another, in any table, to read or to write', async () => {
  expect(await leaks(owner)).toEqual([]);
});

test('each filter taken away is noticed by that probe', async () => {
  const { tried, missed } = await unnoticed(owner);
  expect(missed).toEqual([]);
  expect(tried).toBeGreaterThan(50);
});

test('what the application may do with each table is what was granted, and nobody else may anything', async () => {
  expect(await rights(owner)).toMatchInlineSnapshot(`
   {
     "access_requests": "insert, select, update",
     "active_policies": "delete, insert, select, update",
     "agent_credentials": "insert, select, update",
     "agent_grants": "delete, insert, select, update",
     "agent_habits": "insert, select, update",
     "agent_metrics": "delete, insert, select",
     "agent_processes": "delete, insert, select, update",
     "agent_signals": "insert, select, update",
     "agent_versions": "insert, select",
     "agents": "insert, select, update",
     "alert_rules": "insert, select",
     "alerts": "insert, select, update",
     "api_keys": "delete, insert, select, update",
     "approval_rules": "insert, select, update",
     "article_terms": "delete, insert, select",
     "article_versions": "insert, select",
     "articles": "insert, select, update",
     "attachments": "insert, select",
     "audit_notes": "insert, select",
     "auto_assignments": "insert, select, update",
     "blueprint_versions": "insert, select",
     "blueprints": "insert, select, update",
     "call_days": "insert, select, update",
     "call_hours": "insert, select, update",
     "call_marks": "insert, select",
     "call_risks": "insert, select, update",
     "call_tool_hours": "insert, select, update",
     "call_words": "insert, select, update",
     "command_turns": "insert, select, update",
     "cursors": "insert, select, update",
     "deployment_files": "insert, select",
     "deployments": "insert, select",
     "disputes": "insert, select",
     "execution_attempts": "insert, select, update",
     "executions": "insert, select",
     "gate_calls": "insert, select",
     "gate_notices": "insert, select, update",
     "gate_tallies": "insert, select, update",
     "gate_uses": "insert, select",
     "gate_votes": "insert, select",
     "gates": "insert, select, update",
     "gone_runs": "insert, select, update",
     "harness_reports": "delete, insert, select, update",
     "idempotency_keys": "delete, insert, select, update",
     "insights": "insert, select",
     "investigations": "insert, select, update",
     "kept_secrets": "delete, insert, select, update",
     "kill_switches": "insert, select, update",
     "leases": "insert, select, update",
     "log": "insert, select",
     "log_tallies": "insert, select, update",
     "migrations": "",
     "model_turns": "delete, insert, select, update",
     "oauth_client_secrets": "insert, select, update",
     "oauth_clients": "insert, select, update",
     "pipeline_definitions": "insert, select",
     "pipelines": "insert, select, update",
     "planner_decisions": "insert, select",
     "policy_versions": "insert, select",
     "postmortems": "insert, select, update",
     "promotion_parts": "delete, insert, select",
     "provider_notes": "insert, select, update",
     "provider_states": "insert, select, update",
     "publications": "insert, select, update",
     "raci_group_members": "delete, insert, select",
     "raci_groups": "insert, select, update",
     "raci_rules": "insert, select, update",
     "rate_limits": "delete, insert, select, update",
     "receipts": "insert, select",
     "recommendations": "insert, select, update",
     "reconciliations": "insert, select, update",
     "remote_tasks": "delete, insert, select, update",
     "remote_workers": "delete, insert, select, update",
     "report_runs": "delete, insert, select",
     "reported_runs": "delete, insert, select, update",
     "risk_weights": "insert, select, update",
     "rule_drafts": "insert, select",
     "run_calls": "delete, insert, select, update",
     "run_checkpoints": "delete, insert, select, update",
     "run_fences": "insert, select",
     "run_pace": "insert, select, update",
     "run_references": "insert, select",
     "run_tallies": "insert, select, update",
     "runs": "insert, select, update",
     "runtime_configs": "insert, select, update",
     "server_tools": "delete, insert, select, update",
     "signal_tallies": "insert, select, update",
     "signing_keys": "select",
     "skill_assignments": "delete, insert, select",
     "skill_versions": "insert, select",
     "skills": "delete, insert, select, update",
     "sso_configs": "insert, select, update",
     "steering_events": "insert, select, update",
     "synthesis_attempts": "insert, select, update",
     "task_orders": "insert, select, update",
     "tenants": "insert, select, update",
     "ticket_links": "insert, select, update",
     "ticket_notes": "insert, select",
     "ticket_tallies": "insert, select, update",
     "ticket_terms": "delete, insert, select",
     "ticket_totals": "insert, select, update",
     "tickets": "insert, select, update",
     "tokens": "delete, insert, select, update",
     "tool_calls": "delete, insert, select",
     "tool_checks": "delete, insert, select",
     "tools": "insert, select, update",
     "transactions": "insert, select",
     "transparency_cosignatures": "insert, select",
     "transparency_days": "insert, select, update",
     "transparency_roots": "insert, select, update",
     "transparency_tiles": "insert, select, update",
     "users": "insert, select, update",
   }
  `);
});

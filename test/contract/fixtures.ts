import { randomUUID } from 'node:crypto';
import { clientIdOf } from '../../domain/oauth';
import { until, type Server } from "../harness";

/** Things of the first tenant, so that their ids can be tried by others; and ids of the same form that name nothing. */
export interface Fixtures {
  ids(path: string): Record<string, string>;
  missing(path: string, key: string): string;
}

const noUuid = '01890000-0000-7000-8000-0000000000ff';
const noNumber = '2147480000';

/** Which noun a path's `:id` is about. */
const nouns: [prefix: string, noun: string][] = [
  ['/functions/v1/api/v1/agent-ops/registry', 'registered'],
  ['/functions/v1/api/v1/agent-ops/signals', 'signal'],
  ['/api/postmortems', 'postmortem'],
  ['/api/workflows', 'blueprint'],
  ['/api/knowledge', 'article'],
  ['/api/skills', 'skill'],
  ['/api/approver-groups', 'approvers'],
  ['/api/approval-rules', 'approval'],
  ['/api/intake/raci/groups', 'approvers'],
  ['/api/intake/raci/rules', 'raci'],
  ['/functions/v1/api/v1/agent-ops/runs', 'reported'],
  ['/api/tools', 'tool'],
  ['/functions/v1/api/v1/agent-ops/alerts', 'alert'],
  ['/audit/', 'agent'],
];
/** Of the orchestration door, by the path's key. */
const ofWork: Record<string, string> = { agent_id: 'workAgent', task_id: 'workTask', workflow_id: 'workflow', execution_id: 'workExecution' };
const uuidKeys = new Set([
  'execution_id', 'audit_id', 'key_id', 'tenant_id', 'investigation_id', 'transaction_id', 'recommendation_id', 'user_id',
]); // prettier-ignore

export async function fixtures(s: Server): Promise<Fixtures> {
  const must = async (method: string, path: string, body?: unknown) => {
    const a = await s.call(method, path, body);
    if (a.status >= 300) throw new Error(`${method} ${path}: ${a.status} ${a.text}`);
    return a.body;
  };
  const ticket = await must('POST', '/api/tickets', { title: 'fixture', auto_assign: false });
  const run = await must('POST', `/api/tickets/${ticket.id}/assign-agent`, {});
  await must('POST', `/api/tickets/${ticket.id}/notes`, { body: 'look closer', author: 'dana', source: 'dashboard' });
  const event = await until(async () => (await must('GET', `/api/agents/${run.agent_id}/steering`)).events[0], 'a steering event');
  const change = await must('POST', '/api/changes/request', { ticket_id: ticket.id, action: 'restart', target: 'web-1' });
  const entry = await until(async () => (await must('GET', '/audit/logs?action=execute_tool')).data.items[0], 'an execution');
  const key = await must('POST', '/api-keys', { name: 'fixture' });
  const postmortem = await must('POST', `/api/postmortems/synthesize/${ticket.id}`, {});
  await must('POST', `/api/postmortems/${postmortem.postmortem_id}/review`, { approved: true });
  const promoted = await must('POST', `/api/postmortems/${postmortem.postmortem_id}/promote`, {});
  const skill = await s.owner.query<{ number: number }>(
    `insert into skills (id, tenant_id, name, category, prompt_template) values ($1, $2, 'fixture', 'test', 'Say {name}') returning number`,
    [randomUUID(), s.tenantId],
  );
  const flow = await must('POST', '/api/workflows', { blueprint: 'Look.', status: 'tested', workflow_key: 'fixture:run' });
  const flowRun = await must('POST', `/api/workflows/${flow.id}/runs`, { status: 'running' });
  const signal = await must('POST', '/api/v1/agent-ops/signals', { for_agent: 'fixture', created_by: 'x', signal: 'look' });
  const registered = await must('POST', '/api/v1/agent-ops/registry', { name: 'fixture' });
  const reported = await must('POST', '/api/v1/agent-ops/runs', { agent_name: 'fixture', eve_id: 'fixture' });
  await must('POST', '/api/v1/agent-ops/alert-rules', { type: 'consecutive_failures', threshold: { max_failures: 1 }, agent_name: 'alarmed' });
  await must('POST', '/api/v1/agent-ops/runs', { agent_name: 'alarmed', status: 'failed' });
  const alert = await until(async () => (await must('GET', '/api/v1/agent-ops/alerts')).data[0], 'an alert');
  const tool = await must('POST', '/api/tools', { name: 'fixture', url: 'https://tools.example.com/mcp', enabled: false });
  const workAgent = await must('POST', '/v1/agents', { name: 'fixture of work', type: 'mover' });
  const workflow = await must('POST', '/v1/workflows', { name: 'fixture', steps: [{ name: 'One', agent_type: 'nobody', order: 1 }] });
  const execution = await must('POST', `/v1/workflows/${workflow.data.id}/execute`, {});
  const client = await must('POST', '/v1/oauth/clients', { name: 'fixture' });
  const transaction = randomUUID();
  await must('POST', '/api/v1/ops-agent/transactions', [
    { transaction_id: transaction, occurred_at: '2021-01-01T10:00:00Z', customer_id: 'c', terminal_id: 't', amount: 900 },
  ]);
  const { investigation_id: investigation } = await must('POST', '/api/v1/ops-agent/investigations/run', {
    transaction_id: transaction,
  });
  const recommended = await until(
    async () => (await must('GET', `/api/v1/ops-agent/investigations/${investigation}`)).recommendations[0],
    'a recommendation',
  );
  const approvers = await must('POST', '/api/approver-groups', { name: 'fixture', members: [s.admin.email] });
  const approval = await must('POST', '/api/approval-rules', { name: 'fixture', action: 'nothing', quorum: '1 of fixture' });
  const raci = await must('POST', '/api/intake/raci/rules', { name: 'fixture' });
  const kept = await must('POST', '/api/vault/secrets', { system: 'fixture', resource_type: 'api', value: 'a secret' });
  const form = new FormData();
  form.append('file', new Blob(['x']), 'x.txt');
  const attachment = await must('POST', `/api/tickets/${ticket.id}/attachments`, form);
  await s.owner.query(
    `insert into publications (slug, tenant_id, run_id, ticket_id, digest, file_count, total_bytes)
     select 'fixture-site', tenant_id, id, ticket_id, '', 0, 0 from runs where number = $1`,
    [run.agent_id],
  );
  await s.owner.query(
    `insert into deployments (id, tenant_id, slug, run_id, ticket_id, effect, digest, file_count, total_bytes, deployed_by)
     select gen_random_uuid(), tenant_id, slug, run_id, ticket_id, 'fixture', '', 0, 0,
       '{"id":null,"kind":"system","name":"system"}' from publications`,
  );
  const known: Record<string, string> = {
    raci: raci.id,
    approvers: approvers.id,
    approval: approval.id,
    attachment_id: attachment.id,
    registered: registered.data.id,
    workAgent: workAgent.data.id,
    workTask: `task_${run.task_id}`,
    workflow: workflow.data.id,
    workExecution: execution.data.execution_id,
    client_id: client.data.client_id,
    signal: signal.data.id,
    transaction_id: transaction,
    investigation_id: investigation,
    recommendation_id: recommended.recommendation_id,
    ticket_id: ticket.id,
    agent_id: run.agent_id,
    task_id: run.task_id,
    event_id: event.id,
    change_id: change.change_id,
    execution_id: entry.id,
    agent: entry.agent_id,
    audit_id: entry.id,
    date: (await must('POST', '/transparency/compute', {})).data.root_date,
    key_id: key.data.id,
    tenant_id: s.tenantId,
    user_id: (await must('GET', '/users')).data[0].id,
    tool_name: 'knowledge.search',
    permission_id: (await must('GET', `/agents/${entry.agent_id}/permissions`)).data[0].id,
    provider: 'local',
    issuer: 'oidc',
    slug: 'fixture-site',
    path: 'index.html',
    rule_id: '5710',
    secret_id: kept.id,
    postmortem: postmortem.postmortem_id,
    blueprint: promoted.workflow_id,
    run_id: flowRun.id,
    reported: reported.data.id,
    alert: alert.id,
    tool: tool.id,
    article: promoted.knowledge_article_id,
    skill: String(skill.rows[0]?.number),
  };
  const nounOf = (path: string, key: string): string => (path.startsWith('/v1/') && key in ofWork ? (ofWork[key] ?? key) : key === 'agent_id' && path.startsWith('/agents/') ? 'agent' : key === 'provider' && path.startsWith('/auth/sso/') ? 'issuer' : key === 'id' ? (nouns.find(([prefix]) => path.startsWith(prefix))?.[1] ?? key) : key);
  return {
    ids: (path) => Object.fromEntries([...path.matchAll(/[:*](\w+)/g)].map(([, key = '']) => [key, String(known[nounOf(path, key)])])),
    missing: (path, key) => (key === 'client_id' ? clientIdOf({ tenantId: noUuid, id: noUuid }) : path.startsWith('/v1/') && /^(agent|task|workflow|execution)_id$/.test(key) ? `${key.slice(0, -3)}_${noNumber}` : uuidKeys.has(key) || path.startsWith('/functions/') || path.startsWith('/audit/') || path.startsWith('/agents/') ? noUuid : key === 'date' ? '2001-01-01' : key === 'slug' ? 'no-such-site' : key === 'path' ? 'nothing.html' : noNumber),
  };
}


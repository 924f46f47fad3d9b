import { operations, sockets } from '../api/registry';
import { contractRows, shapeOf } from './contract/rows';

const rows = new Set(contractRows().map((r) => `${r.method} ${shapeOf(r.path)}`));
const key = (route: string): string => {
  const [method = '', path = ''] = route.split(' ');
  return `${method} ${shapeOf(path)}`;
};
const declared = new Set([
  ...operations.map(({ op }) => key(op.route)),
  ...sockets.map(({ socket }) => `WS ${shapeOf(socket.path)}`),
]);

/** What this release serves, by tag; a row that is served once stays served. */
const whole: Record<string, string[]> = {
  'agentic-operations': [
    'Health',
    'Tickets',
    'Ticket Reassignment And Escalation',
    'Agents',
    'Change Requests',
    'Postmortems',
    'Providers',
    'Workflows',
    'Knowledge',
    'Skills',
    'Dashboard And Audit',
    'Tools',
    'Setup',
  ],
  aegis: [
    'risk',
    'decision',
    'execution',
    'agents',
    'registry',
    'audit',
    'API Keys',
    'receipts',
    'transparency',
    'ops',
    '(spec)',
    '(untagged)',
    'events',
    'policy',
    'auth',
    'users',
    'admin',
    'tenant',
    'internal',
    'sso',
  ],
  'agent-ops': [
    'registry',
    'signals',
    'runs',
    'metrics',
    'tool-log',
    'report-runs',
    'alert-rules',
    'alerts',
    'dashboard',
  ],
  orchestration: ['Authentication', 'Agents', 'Tasks', 'Workflows', 'System Monitoring', 'WebSocket'],
  'ops-agent': ['Investigations', 'Transactions', 'Worklist', 'Health and Monitoring'],
};

test.each(Object.entries(whole).flatMap(([seed, tags]) => tags.map((tag) => [seed, tag] as const)))(
  '%s: all of %s',
  (seed, tag) => {
    const wanted = contractRows().filter((r) => r.seed === seed && r.tag === tag);
    expect(wanted.length).toBeGreaterThan(0);
    const missing = wanted.map((r) => `${r.method} ${shapeOf(r.path)}`).filter((k) => !declared.has(k));
    expect(missing).toEqual([]);
  },
);

test('nothing is declared twice, and names are unique', () => {
  expect(declared.size).toBe(operations.length + sockets.length);
  expect(new Set(operations.map((o) => o.name)).size).toBe(operations.length);
});

test('what the contract does not know is said to be an addition', () => {
  const additions = operations.filter(({ op }) => !rows.has(key(op.route))).map(({ op }) => op.route);
  expect(additions).toEqual([
    'POST /api/agents/tasks/claim',
    'POST /api/agents/tasks/:task_id/heartbeat',
    'POST /api/agents/tasks/:task_id/checkpoint',
    'POST /api/agents/tasks/:task_id/complete',
    'POST /api/agents/tasks/:task_id/fail',
    'POST /api/agents/:agent_id/tools/call',
    'GET /api/tickets/:ticket_id/attachments',
    'GET /api/tickets/:ticket_id/attachments/:attachment_id',
    'GET /api/vault/secrets',
    'POST /api/vault/secrets',
    'DELETE /api/vault/secrets/:secret_id',
    'GET /api/approver-groups',
    'POST /api/approver-groups',
    'DELETE /api/approver-groups/:id',
    'GET /api/approval-rules',
    'POST /api/approval-rules',
    'DELETE /api/approval-rules/:id',
    'GET /api/published/:slug/deployments',
    'POST /api/published/:slug/rollback',
    'POST /api/tools',
    'PUT /api/tools/:id',
    'DELETE /api/tools/:id',
    'POST /api/v1/ops-agent/transactions',
    'POST /api/v1/ops-agent/disputes',
    'GET /.well-known/jwks.json',
    'POST /auth/invitations/accept',
    'POST /users/:user_id/erase',
    'GET /transparency/checkpoint',
    'POST /transparency/cosignatures',
    'POST /policy/activate',
    'GET /policy/versions',
    'POST /v1/tasks/claim',
    'POST /v1/tasks/:task_id/heartbeat',
    'POST /v1/tasks/:task_id/complete',
    'GET /v1/workflows/:workflow_id/executions/:execution_id',
    'GET /v1/oauth/clients',
    'POST /v1/oauth/clients',
    'POST /v1/oauth/clients/:client_id/rotate',
    'DELETE /v1/oauth/clients/:client_id',
    'GET /.well-known/oauth-authorization-server',
    'GET /docs/:asset',
    'GET /.well-known/oauth-protected-resource/mcp',
  ]);
});

/** Every right there is. An operation names one; a role is a named set of them. */
export const scopes = [
  'tickets:read', 'tickets:create', 'tickets:note', 'tickets:request_info',
  'agents:read', 'agents:spawn', 'agents:stop', 'agents:heartbeat', 'agents:act', 'agents:claim', 'agents:wake',
  'agents:restart', 'agents:update', 'agents:write', 'agents:manage',
  'changes:read', 'changes:request', 'changes:approve', 'changes:complete', 'approvers:write',
  'tools:read', 'tools:operate', 'tools:manage', 'tools:call', 'setup:read',
  'providers:read', 'providers:sync', 'access:request', 'deployments:write',
  'postmortems:read', 'postmortems:write',
  'workflows:read', 'workflows:write', 'knowledge:read', 'knowledge:write', 'skills:read', 'skills:write',
  'intake:read', 'intake:write', 'dashboard:read', 'audit:read', 'audit:note', 'receipts:read', 'events:read',
  'keys:manage', 'secrets:manage', 'kill_switch:read', 'kill_switch:write', 'risk:write',
  'policy:read', 'policy:write', 'internal:report', 'profile:read',
  'agent-ops:read', 'agent-ops:write', 'agent-ops:delete',
  'ops_agent:read', 'ops_agent:run', 'ops_agent:ack', 'ops_agent:ingest', 'transparency:write',
  'tokens:read', 'tokens:revoke', 'users:manage', 'sso:manage', 'tenants:read', 'tenants:manage',
] as const; // prettier-ignore
export type Scope = (typeof scopes)[number];

const reads = scopes.filter((s) => s.endsWith(':read'));
/** What a run may do: never more than this, whatever its spawner holds. */
export const agentScopes: readonly Scope[] = [
  'tickets:read', 'tickets:note', 'tickets:request_info', 'access:request', 'changes:read', 'changes:request',
  'changes:complete', 'agents:read', 'agents:heartbeat', 'workflows:read', 'postmortems:read', 'postmortems:write',
  'knowledge:read', 'skills:read', 'deployments:write', 'tools:call',
]; // prettier-ignore

const analyst: readonly Scope[] = [
  'dashboard:read',
  'tickets:read', 'tickets:create', 'tickets:note', 'tickets:request_info', 'access:request', 'changes:read',
  'changes:request', 'agents:read', 'profile:read', 'tools:read', 'tokens:read', 'tenants:read',
]; // prettier-ignore

const developer: readonly Scope[] = [
  ...reads, 'tickets:create', 'tickets:note', 'tickets:request_info', 'agents:spawn', 'agents:stop', 'agents:wake',
  'agents:restart', 'access:request', 'changes:request', 'changes:complete', 'deployments:write', 'postmortems:write',
  'providers:sync', 'tools:operate', 'tools:call', 'agent-ops:write', 'ops_agent:run', 'ops_agent:ingest',
]; // prettier-ignore

const securityAnalyst: readonly Scope[] = [
  ...new Set<Scope>([
    ...developer,
    'changes:approve',
    'kill_switch:write',
    'agents:manage',
    'transparency:write',
    'audit:note',
    'agents:act',
    'ops_agent:ack',
    'tokens:revoke',
    'risk:write',
    'policy:write',
  ]),
];
/** All that is to be done in one tenant. */
const ofTenant = scopes.filter((s) => s !== 'tenants:manage');

/** Roles of every door; the seeds' older names stand beside the newer ones. */
export const roles = {
  ROOT: scopes,
  OWNER: ofTenant,
  ADMIN: ofTenant,
  SECURITY_ANALYST: securityAnalyst,
  DEVELOPER: developer,
  READ_ONLY: reads,
  agent: agentScopes,
  'platform-admin': scopes,
  'soc-manager': ofTenant.filter((s) => !['keys:manage', 'secrets:manage', 'users:manage', 'sso:manage'].includes(s)),
  analyst,
  auditor: reads,
  'agent-operator': [...agentScopes, 'agents:spawn', 'agents:claim'],
} as const satisfies Record<string, readonly Scope[]>;
export type Role = keyof typeof roles;
export const roleNames = Object.keys(roles) as [Role, ...Role[]];

const asRole = (name: string): Role | null => (name in roles ? (name as Role) : null);
export const scopesOf = (role: string): readonly Scope[] => {
  const known = asRole(role);
  return known ? roles[known] : [];
};

/** The roles that hold a scope. */
export const holdersOf = (scope: Scope): Role[] => roleNames.filter((name) => scopesOf(name).includes(scope));

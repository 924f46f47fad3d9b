import { aggregates } from '../../api/aggregates/table';

/** Where an operation differs from what every operation does, and why. */
export interface Exception {
  operation: string;
  check: string;
  reason: string;
}

const killSwitch = 'the path names a tenant, and that of others is refused with 403, known or not, as the contract says';

const tool = 'the path names a tool, which need not be ours: whoever asks may run it himself';

const rows = 'takes rows, of any number of bytes up to a limit of its own: test/api/ops-transactions.test.ts';

const provider = 'the path names a kind of system, which is nobody’s: what is behind it is the caller’s own';

export const exceptions: Exception[] = [
  ...['syncProvider', 'syncProviderTicket'].map((operation) => ({ operation, check: 'foreign id', reason: provider })),
  ...['unknown id', 'foreign id'].map((check) => ({ operation: 'executeTool', check, reason: tool })),
  ...['getKillSwitch', 'setKillSwitch', 'releaseKillSwitch'].flatMap((operation) =>
    ['unknown id', 'foreign id'].map((check) => ({ operation, check, reason: killSwitch })),
  ),
  { operation: 'getAnyTenant', check: 'foreign id', reason: 'another tenant is what it is for; who does not serve all of them is refused' },
  ...['ingestTransactions', 'ingestDisputes'].map((operation) => ({ operation, check: 'transport', reason: rows })),
];

const anybody = 'the contract asks for a login alone; here a login opens what its role has the scope for';
const admin = 'the contract names the role; here the role is the scope that it holds';
const calls = 'whoever may have an agent call its tools: agents, and the roles that the scope is in';
const bearer = 'the contract names no scopes: the right is that of the same thing at the other doors';
const given = (contract: string, reason: string, operations: string[]) =>
  operations.map((operation) => ({ operation, contract, reason }));

/** Where the contract's column names no scope, what it says, and why the scope here is what it means. */
export const accessExceptions: { operation: string; contract: string; reason: string }[] = [
  ...given('JWT+tenant', anybody, ['me', 'getTenant', 'listAuditLogs', 'verifyAuditLogs', 'getReceipt', 'verifyReceipt', 'getKillSwitch']),
  ...given('JWT+tenant', anybody, [
    'searchAuditLogs', 'summariseAuditLogs', 'explainAuditLog', 'listAuditNotes', 'exportAuditLogs', 'createAuditExport',
    ...Object.keys(aggregates),
  ]), // prettier-ignore
  ...given('JWT+tenant; ADMIN', admin, ['listApiKeys', 'createApiKey', 'revokeApiKey']),
  ...given('JWT+tenant; platform-admin', admin, ['putTenant']),
  ...given('JWT+tenant', anybody, ['transparencyKeys', 'listRoots', 'getRoot', 'getInclusion', 'checkConsistency', 'verifyRoot']),
  ...given('JWT+tenant; ADMIN/SECURITY (seed: operator)', admin, ['computeRoot']),
  ...given('JWT+tenant; ADMIN/SECURITY', admin, ['setKillSwitch', 'releaseKillSwitch']),
  ...given('JWT+tenant; ADMIN/SECURITY', admin, ['addAuditNote']),
  ...given('JWT+tenant', anybody, ['riskSummary', 'riskTimeline', 'topThreats', 'getSignalWeights', 'decisionSummary', 'decisionHistory']),
  ...given('JWT+tenant; ADMIN/SECURITY', admin, ['setSignalWeights', 'uploadPolicy', 'testPolicy', 'simulatePolicy']),
  ...given('JWT+tenant', anybody, ['introspectToken']),
  ...given('JWT+tenant; ADMIN', admin, ['createUser', 'provisionCredentials', 'listUsers', 'inviteUser', 'updateUser', 'deactivateUser', 'getSsoConfig', 'saveSsoConfig', 'testSsoConfig']),
  ...given('JWT+tenant; ADMIN/SECURITY', admin, ['revokeToken']),
  ...given('JWT+tenant; platform-admin', admin, ['listTenants', 'getAnyTenant']),
  ...given('JWT+tenant', anybody, ['getQuota']),
  ...given('internal; X-Internal-Secret', 'the secret is a credential with this scope', ['reportReconciliation']),
  ...given('JWT+tenant or API key; X-Agent-ID required; agent role or ADMIN/SECURITY', calls, ['execute']),
  ...given('JWT+tenant; X-Agent-ID required', calls, ['executeTool']),
  ...given('JWT+tenant', anybody, ['listDoorAgents', 'summariseDoorAgents', 'getDoorAgent', 'profileDoorAgent', 'listPermissions', 'registryTools']),
  ...given('JWT+tenant; ADMIN/SECURITY', admin, ['createDoorAgent', 'updateDoorAgent', 'deleteDoorAgent', 'grantPermission', 'revokePermission']),
  ...given('Bearer (API key or OAuth token)', bearer, ['listWorkAgents', 'getWorkAgent', 'createWorkAgent', 'updateWorkAgent', 'deleteWorkAgent', 'workMetrics', 'listWorkTasks', 'createWorkTask', 'getWorkTask', 'listPipelines', 'createPipeline', 'getPipeline', 'executePipeline']),
  ...given('client_id + client_secret', 'the client says who it is in the request itself, and wrong ones are counted: that is what login means here', ['issueOAuthToken']),
  ...given('internal/SDK', 'services hold the scope keys:manage: one credential for all that they may', ['validateApiKey']),
  ...given('cookie or bearer, inline; X-Tenant-ID', anybody, ['eventStream']),
  ...given('JWT+tenant', 'a token alone, whatever its scopes: keys are no sessions', ['refreshToken', 'logout']),
  ...given('X-Tenant-ID (no token yet; seed L21)', 'guesses are counted besides: that is what login means here', ['agentLogin']),
  ...given('X-Tenant-ID (no token yet)', 'guesses are counted besides: that is what login means here', ['login']),
];

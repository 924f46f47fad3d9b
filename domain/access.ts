import { Conflict } from './errors';
import { riskLevels, type GateRequest } from './gate';
import type { Actor } from './principal';
import type { LeaseScope } from './harness';
import type { ProviderName } from './provider';

export const accessStatuses = ['pending_approval', 'approved', 'granted', 'rejected', 'expired', 'revoked'] as const;
export type AccessStatus = (typeof accessStatuses)[number];

/** The longest that a lease lives, a working day, whatever becomes of its run. */
export const leaseMs = 8 * 3600 * 1000;

/** Who answers for an access, as a row of the matrix says. */
export interface AccessRaci {
  /** The number of that row; null: there is none for it. */
  rule: number | null;
  responsible: string;
  accountable: string;
  consulted: string[];
  informed: string[];
}

/** Just-in-time credentials: asked for through a gate, granted as a lease that lives no longer than its run. */
export interface AccessRequest {
  id: string;
  tenantId: string;
  number: number;
  /** The ticket whose work needs the access. */
  ticketId: string;
  /** The child ticket that the owning group sees. */
  accessTicketId: string;
  runId: string | null;
  agentId: string | null;
  gateId: string;
  resource: string;
  permission: string;
  accountRef: string | null;
  reason: string | null;
  assignmentGroup: string;
  /** Null: nobody looked, as the review of a workflow decided. */
  raci: AccessRaci | null;
  /** Where the child ticket is kept as well; null: here alone. */
  syncProvider: ProviderName | null;
  riskLevel: string;
  lease: LeaseScope | null;
  leaseId: string | null;
  status: AccessStatus;
  requester: Actor;
  /** What the caller calls who asks: a label, never proof. */
  label: string | null;
  onBehalfOf: Actor | null;
  approvalActor: Actor | null;
  evidence: string | null;
  createdAt: string;
  updatedAt: string;
  version: number;
}

export type AccessEvent =
  | { type: 'approve'; by: Actor | null }
  | { type: 'grant'; leaseId: string | null; evidence: string | null }
  | { type: 'reject'; by: Actor | null; reason: string | null }
  | { type: 'expire'; reason: string }
  | { type: 'revoke'; reason: string };

export type AccessAsk = Pick<
  AccessRequest,
  'id' | 'tenantId' | 'ticketId' | 'accessTicketId' | 'runId' | 'agentId' | 'gateId' | 'resource' | 'permission' | 'accountRef'
  | 'reason' | 'assignmentGroup' | 'raci' | 'syncProvider' | 'riskLevel' | 'lease' | 'requester' | 'label' | 'onBehalfOf'
>; // prettier-ignore

/** A request as it begins, at `at`. */
export const newAccess = (ask: AccessAsk, at: string): AccessRequest => ({
  ...ask,
  number: 0,
  leaseId: null,
  status: 'pending_approval',
  approvalActor: null,
  evidence: null,
  createdAt: at,
  updatedAt: at,
  version: 1,
});

/** A lease that a reviewed workflow grants to whoever works by it, without asking anybody again. */
export interface Preapproval {
  /** Of the workflow. */
  number: number;
  workflowKey: string;
  version: number;
  reviewedBy: string;
}

/**
 * A request that nobody is asked about: the review of the workflow was the decision. It has no child ticket (its own stands
 * in that place) and no gate.
 */
export const preapprovedAccess = (
  ids: Pick<AccessRequest, 'id' | 'tenantId' | 'ticketId' | 'runId' | 'agentId' | 'gateId' | 'requester'>,
  lease: LeaseScope,
  by: Preapproval,
  at: string,
): AccessRequest =>
  newAccess(
    {
      ...ids,
      accessTicketId: ids.ticketId,
      resource: `${lease.system}/${lease.resourceType}/${lease.resourceId}`,
      permission: lease.action,
      accountRef: null,
      reason: `workflow ${by.number} (${by.workflowKey}, version ${by.version}) preapproves it; reviewed by ${by.reviewedBy}`,
      assignmentGroup: by.reviewedBy,
      raci: null,
      syncProvider: null,
      label: null,
      riskLevel: 'unknown',
      lease,
      onBehalfOf: null,
    },
    at,
  );
/** Whether its own ticket stands where the child's would. */
export const hasChild = (access: Pick<AccessRequest, 'ticketId' | 'accessTicketId'>): boolean =>
  access.ticketId !== access.accessTicketId;

/** The gate of an access request: completed by people, never by the end of a task. `inferred`: from the resource's name. */
export const gateOfAccess = (access: AccessRequest, inferred = false): GateRequest => ({
  id: access.gateId,
  tenantId: access.tenantId,
  ticketId: access.ticketId,
  runId: access.runId,
  agentId: access.agentId,
  accessRequestId: access.id,
  action: 'grant_access',
  target: access.resource,
  reason: access.reason,
  command: null,
  riskLevel: riskLevels.find((level) => level === access.riskLevel) ?? 'unknown',
  approvalPolicy: {
    access_request: true,
    resource: access.resource,
    permission: access.permission,
    account_ref: access.accountRef,
    assignment_group: access.assignmentGroup,
    access_raci: access.raci && wireRaci(access.raci),
    lease_request: access.lease && wireScope(access.lease),
    lease_request_inferred: inferred,
    auto_complete: false,
  },
  digest: null,
  requestedBy: access.requester,
  onBehalfOf: access.onBehalfOf,
});

const moves: Record<AccessStatus, Partial<Record<AccessEvent['type'], AccessStatus>>> = {
  pending_approval: { approve: 'approved', reject: 'rejected', expire: 'expired' },
  approved: { grant: 'granted', expire: 'expired' },
  granted: { revoke: 'revoked' },
  rejected: {},
  expired: {},
  revoked: {},
};

export const settledStatuses = accessStatuses.filter((status) => Object.keys(moves[status]).length === 0);
export const isSettled = (access: Pick<AccessRequest, 'status'>): boolean => settledStatuses.includes(access.status);

/** The only way an access request changes state. @throws Conflict naming the state that stands. */
export function step(access: AccessRequest, event: AccessEvent, at: string): AccessRequest {
  const status = moves[access.status][event.type];
  if (!status) throw new Conflict(`cannot ${event.type} access that is ${access.status}`, { status: access.status });
  const next: AccessRequest = { ...access, status, updatedAt: at, version: access.version + 1 };
  if (event.type === 'approve') return { ...next, approvalActor: event.by };
  if (event.type === 'grant') return { ...next, leaseId: event.leaseId, evidence: event.evidence };
  if (event.type === 'reject') return { ...next, approvalActor: event.by, evidence: event.reason };
  return { ...next, evidence: event.reason };
}

/** Who answers for it, as the doors write it. */
export const wireRaci = ({ responsible, accountable, consulted, informed, rule }: AccessRaci) => ({
  responsible, accountable, consulted, informed, rule_id: rule,
}); // prettier-ignore

/** A scope as the doors write it. */
export const wireScope = ({ system, resourceType, resourceId, action }: LeaseScope) => ({
  system, resource_type: resourceType, resource_id: resourceId, action,
}); // prettier-ignore

/** Read off a resource's name where the request gives no lease scope. Null: no credential can be inferred. */
export function inferLease(resource: string, permission: string, accountRef: string | null): LeaseScope | null {
  const name = resource.toLowerCase();
  const action = /\b(write|edit|modify|admin|manage|contain|disable)/.test(permission.toLowerCase()) ? 'write' : 'read';
  const after = (words: RegExp): string | null => words.exec(resource)?.[1] ?? null;
  const account = accountRef ?? '*';
  if (/wazuh|siem/.test(name)) {
    const index = after(/alert index (\S+)/i);
    return index
      ? { system: 'wazuh', resourceType: 'alert_index', resourceId: index, action }
      : { system: 'wazuh', resourceType: 'api', resourceId: 'wazuh.manager', action };
  }
  if (name.includes('gitlab')) {
    const project = after(/(?:project|repo(?:sitory)?) (\S+)/i);
    return { system: 'gitlab', resourceType: 'project', resourceId: project ?? '*', action };
  }
  if (/mailcow|mailbox|e-?mail/.test(name)) {
    return { system: 'mailcow', resourceType: name.includes('api') ? 'api' : 'mailbox', resourceId: account, action };
  }
  if (/itop|ticket/.test(name)) return { system: 'itop', resourceType: 'ticket', resourceId: account, action };
  return null;
}

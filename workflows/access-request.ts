import {
  ParentClosePolicy,
  allHandlersFinished,
  condition,
  defineUpdate,
  proxyActivities,
  setHandler,
  startChild,
} from '@temporalio/workflow';
import type { Activities } from '../activities';
import { isSettled, step, type AccessEvent, type AccessRequest } from '../domain/access';
import type { Gate } from '../domain/gate';
import { approvalGate } from './approval-gate';
import { attributes, onUpdate, refusalOf, rows, show, tell } from './kit';
import { workflowId } from './ids';
import { accessMoved, gateMoved, runEnded, stateOf } from './messages';

export interface AccessInput {
  access: AccessRequest;
  gate: Gate;
  /** How long a granted lease lives, at most. */
  leaseMs: number;
  /** The provider tasks' queue. */
  queue: string;
}
export interface OpenedAccess {
  access: AccessRequest;
  gate: Gate;
}

export const openedAccess = defineUpdate<OpenedAccess>('opened');
/** Answers when people have decided and, if they granted it, the lease is there. */
export const settledAccess = defineUpdate<AccessRequest>('settled');
export const accessState = stateOf<AccessRequest>();

const at = (): string => new Date().toISOString();

/** A permission wall: asks people through a gate, lends the credential when it is completed, and takes it back. */
export async function accessRequest(input: AccessInput): Promise<AccessRequest> {
  let access = input.access;
  let gate: Gate | null = null;
  let over: string | null = null;
  const credentials = proxyActivities<Activities>({
    taskQueue: input.queue,
    startToCloseTimeout: '20 seconds',
    heartbeatTimeout: '10 seconds',
  });

  const move = async (event: AccessEvent, transition: string) => {
    const stands = await rows.recordAccess(step(access, event, at()), { event: event.type, transition });
    access = stands.access;
    show(access.status, `**${access.permission}** on **${access.resource}**: ${access.status}`);
    if (access.runId) await tell(workflowId('agentRun', access.tenantId, access.runId), accessMoved, access);
  };

  setHandler(accessState, () => access);
  setHandler(gateMoved, (g) => void (!gate || g.version > gate.version ? (gate = g) : undefined));
  setHandler(runEnded, ({ reason }) => void (over ??= reason));
  const standing = (): Gate | null => gate;
  onUpdate(openedAccess, async () => {
    await condition(() => standing() !== null);
    return { access, gate: standing() as Gate };
  });

  onUpdate(settledAccess, async () => {
    await condition(() => access.status !== 'pending_approval' && access.status !== 'approved');
    return access;
  });

  access = (await rows.recordAccess(access, { event: 'open', transition: 'open' })).access;
  show(access.status, `**${access.permission}** on **${access.resource}**: ${access.status}`);
  await startChild(approvalGate, {
    workflowId: workflowId('approvalGate', access.tenantId, access.gateId),
    args: [{ gate: input.gate, tell: [workflowId('accessRequest', access.tenantId, access.id)] }],
    parentClosePolicy: ParentClosePolicy.ABANDON,
    staticSummary: `${input.gate.action} ${input.gate.target}`,
    typedSearchAttributes: attributes('approvalGate', input.gate),
  });
  await condition(() => standing() !== null);
  if (access.runId) await tell(workflowId('agentRun', access.tenantId, access.runId), accessMoved, access);

  // Follow the gate to its end. The gate hears of the run's end itself, from the run.
  let followed = 1;
  while (!isSettled(access) && access.status !== 'granted') {
    await condition(() => (standing()?.version ?? 0) > followed);
    const g = standing() as Gate;
    followed = g.version;
    // A quick approve and complete may arrive as one: every state on the way is recorded.
    if (access.status === 'pending_approval' && (g.status === 'approved' || g.status === 'completed')) {
      await move({ type: 'approve', by: g.decidedBy }, 'gate:approved');
    }
    if (g.status === 'rejected')
      await move({ type: 'reject', by: g.decidedBy, reason: g.decisionReason }, 'gate:rejected');
    else if (g.status === 'expired')
      await move({ type: 'expire', reason: g.decisionReason ?? 'expired' }, 'gate:expired');
    else if (g.status === 'completed') {
      const lease = over ? null : await credentials.grantLease(access, input.leaseMs);
      await move({ type: 'grant', leaseId: lease?.leaseId ?? null, evidence: g.result }, 'gate:completed');
    }
  }

  if (access.status === 'granted') {
    await condition(() => over !== null, input.leaseMs);
    const reason = over ?? 'expired';
    // Given back whatever it takes: the provider may be away for long.
    if (access.leaseId) await credentials.revokeLease(access, reason);
    try {
      await move({ type: 'revoke', reason }, 'revoke');
    } catch (e) {
      if (!refusalOf(e)) throw e; // the sweeper was quicker: the row stands as it should
    }
  }
  await condition(allHandlersFinished);
  return access;
}

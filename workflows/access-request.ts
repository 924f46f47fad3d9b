import {
  CancellationScope,
  ParentClosePolicy,
  allHandlersFinished,
  condition,
  defineUpdate,
  proxyActivities,
  setHandler,
  startChild,
} from '@temporalio/workflow';
import type { Activities, Lent } from '../activities';
import { isSettled, step, type AccessEvent, type AccessRequest } from '../domain/access';
import type { Gate } from '../domain/gate';
import { approvalGate } from './approval-gate';
import {
  attributes,
  byOwnRules,
  cancelledInTemporal,
  onSignal,
  onUpdate,
  readGate,
  rows,
  show,
  tell,
  textOf,
  workflowTaskTimeout,
} from './kit';
import { workflowId } from './ids';
import { accessMoved, gateMoved, runEnded, stateOf, withdraw } from './messages';

export interface AccessInput {
  access: AccessRequest;
  gate: Gate;
  /** How long a granted lease lives, at most. */
  leaseMs: number;
  /** When it ends at the latest, if that was asked for. */
  until?: string;
  /** The provider tasks' queue. */
  queue: string;
}
export interface OpenedAccess {
  access: AccessRequest;
  gate: Gate;
}

export const openedAccess = defineUpdate<OpenedAccess>('opened');
/** Answers when people have decided and, if they granted it, the lease is there; as it stands while the provider is away. */
export const settledAccess = defineUpdate<AccessRequest>('settled');
export const accessState = stateOf<AccessRequest>();

const at = (): string => new Date().toISOString();
/** As long as somebody waits for a provider before the answer is that it is not granted yet. */
const patience = '5 seconds';

/** A permission wall: asks people through a gate, lends the credential when it is completed, and takes it back. */
export async function accessRequest(input: AccessInput): Promise<AccessRequest> {
  let access = input.access;
  let gate: Gate | null = null;
  let over: string | null = null;
  /** How long the lease lives, once it is granted. */
  let lifeMs = input.leaseMs;
  const credentials = proxyActivities<Activities>({
    taskQueue: input.queue,
    startToCloseTimeout: '20 seconds',
    retry: { maximumInterval: '10 seconds' }, // for ever: whoever keeps the credentials may be away for long
  });

  const gateWorkflow = workflowId('approvalGate', access.tenantId, access.gateId);
  const announce = async (): Promise<void> => {
    show(access.status, `**${access.permission}** on **${access.resource}**: ${access.status}`);
    if (access.runId) await tell(workflowId('agentRun', access.tenantId, access.runId), accessMoved, access);
  };
  /** The row decides: where it is ahead, it is adopted, and what follows starts from there. */
  const move = async (event: AccessEvent, transition: string) => {
    access = (await rows.recordAccess(step(access, event, at()), { event: event.type, transition })).access;
    await announce();
  };

  setHandler(accessState, () => access);
  onSignal(
    gateMoved,
    readGate(() => access.gateId),
    (g) => void (g.version > (gate?.version ?? 0) ? (gate = g) : undefined),
  );
  onSignal(
    runEnded,
    (raw) => (textOf(raw.reason) ? { reason: textOf(raw.reason) ?? '' } : null),
    ({ reason }) => void (over ??= reason),
  );
  const standing = (): Gate | null => gate;
  onUpdate(openedAccess, async () => {
    await condition(() => standing() !== null);
    return { access, gate: standing() as Gate };
  });
  onUpdate(settledAccess, async () => {
    await condition(() => access.status !== 'pending_approval' && access.status !== 'approved', patience);
    return access;
  });

  const open = async (): Promise<void> => {
    access = (await rows.recordAccess(access, { event: 'open', transition: 'open' })).access;
    await startChild(approvalGate, {
      workflowId: gateWorkflow,
      args: [{ gate: input.gate, tell: [workflowId('accessRequest', access.tenantId, access.id)] }],
      workflowTaskTimeout,
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `${input.gate.action} ${input.gate.target}`,
      typedSearchAttributes: attributes('approvalGate', { ...input.gate, status: null }),
    });
    await condition(() => standing() !== null);
    await announce();
  };

  /** What the gate's state means for the request as it stands. A quick approve and complete may arrive as one. */
  const due = (): AccessEvent | null => {
    const g = standing();
    const waits = access.status === 'pending_approval';
    if (g?.status === 'rejected' && waits) return { type: 'reject', by: g.decidedBy, reason: g.decisionReason };
    if (g?.status === 'rejected' || g?.status === 'expired')
      return { type: 'expire', reason: g.decisionReason ?? g.status };
    if ((g?.status === 'approved' || g?.status === 'completed') && waits) return { type: 'approve', by: g.decidedBy };
    return g?.status === 'completed' ? { type: 'grant', leaseId: null, evidence: g.result } : null;
  };

  /** What it was for may end while the provider is away: then nobody waits for it, and what it may have made goes back. */
  const lease = async (): Promise<Lent | null> => {
    const asking = new CancellationScope();
    const lent = asking.run(() => credentials.grantLease(access, input.leaseMs, input.until ?? null));
    const ended = condition(() => over !== null).then(() => 'over' as const);
    const first = await Promise.race([lent, ended]);
    if (first !== 'over') return first;
    asking.cancel();
    return { leaseId: access.id, refused: over ?? cancelledInTemporal };
  };
  const grant = async (event: Extract<AccessEvent, { type: 'grant' }>): Promise<void> => {
    const lent = await lease();
    if (lent && 'refused' in lent) {
      await credentials.revokeLease(access, lent.refused);
      return move({ type: 'expire', reason: lent.refused }, 'gate:refused');
    }
    if (lent) lifeMs = lent.lifeMs;
    await move({ ...event, leaseId: lent?.leaseId ?? null }, 'gate:grant');
  };

  /** Follows the gate to its end. When what the access was for is over, the gate is withdrawn, and says so itself. */
  const follow = async (): Promise<void> => {
    let withdrawn = false;
    while (!isSettled(access) && access.status !== 'granted') {
      await condition(() => due() !== null || (over !== null && !withdrawn));
      const event = due();
      if (event?.type === 'grant') {
        await grant(event);
      } else if (event) {
        await move(event, `gate:${event.type}`);
      } else {
        withdrawn = true;
        const reason = over ?? cancelledInTemporal;
        const heard = await tell(gateWorkflow, withdraw, { id: `over:${access.id}`, reason });
        if (!heard && due() === null) await move({ type: 'expire', reason }, 'gate:gone');
      }
    }
  };

  const lend = async (): Promise<void> => {
    await condition(() => over !== null, lifeMs);
    const reason = over ?? 'expired';
    // Given back whatever it takes: the provider may be away for long.
    if (access.leaseId) await credentials.revokeLease(access, reason);
    await move({ type: 'revoke', reason }, 'revoke');
  };

  await byOwnRules(
    async () => {
      await open();
      await follow();
      if (access.status === 'granted') await lend();
      await condition(allHandlersFinished);
    },
    () => void (over ??= cancelledInTemporal),
  );
  return access;
}

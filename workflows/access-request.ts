import {
  CancellationScope,
  allHandlersFinished,
  condition,
  defineUpdate,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow';
import type { Activities, Lent } from '../activities';
import { isSettled, step, type AccessEvent, type AccessRequest, type Preapproval } from '../domain/access';
import type { Gate } from '../domain/gate';
import { byOwnRules, cancelledInTemporal, onSignal, onUpdate, rows, show, tell, textOf } from './kit';
import { workflowId } from './ids';
import { accessMoved, runEnded, stateOf, withdraw } from './messages';
import { openGate } from './open-gate';
import { hearGate } from './told';

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
/** Instead of a gate: what was decided already. */
export interface PreapprovedInput extends Omit<AccessInput, 'gate'> {
  preapproved: Preapproval;
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
export async function accessRequest(input: AccessInput | PreapprovedInput): Promise<AccessRequest> {
  let access = input.access;
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
  /**
   * The row decides: where it is ahead, it is adopted, and what follows starts from there. So does that of the gate which
   * `told` is about, and then nothing has moved: it was somebody else who told.
   */
  const move = async (event: AccessEvent, transition: string, told?: Gate): Promise<void> => {
    const by = { event: event.type, transition, ...(told && { told }) };
    const stands = await rows.recordAccess(step(access, event, at()), by);
    access = stands.access;
    if (stands.otherwise && told) gate.correct(told, stands.otherwise);
    else await announce();
  };

  setHandler(accessState, () => access);
  const gate = hearGate(() => access.gateId);
  onSignal(
    runEnded,
    (raw) => (textOf(raw.reason) ? { reason: textOf(raw.reason) ?? '' } : null),
    ({ reason }) => void (over ??= reason),
  );
  onUpdate(openedAccess, async () => {
    await condition(() => gate.standing() !== null);
    return { access, gate: gate.standing() as Gate };
  });
  onUpdate(settledAccess, async () => {
    await condition(() => access.status !== 'pending_approval' && access.status !== 'approved', patience);
    return access;
  });

  const open = async (): Promise<void> => {
    const opened = await rows.recordAccess(access, { event: 'open', transition: 'open' });
    ({ access } = opened);
    if ('preapproved' in input) return announce();
    // Who decides sees by their numbers what it is about.
    const approvalPolicy = { ...input.gate.approvalPolicy, ...opened.numbers };
    await openGate({ ...input.gate, approvalPolicy }, [workflowId('accessRequest', access.tenantId, access.id)]);
    await condition(() => gate.standing() !== null);
    await announce();
  };

  /** What the gate's state means for the request as it stands. A quick approve and complete may arrive as one. */
  const due = (): AccessEvent | null => {
    const g = gate.standing();
    const waits = access.status === 'pending_approval';
    if (g?.status === 'rejected' && waits) return { type: 'reject', by: g.decidedBy, reason: g.decisionReason };
    if (g?.status === 'rejected' || g?.status === 'expired')
      return { type: 'expire', reason: g.decisionReason ?? g.status };
    if ((g?.status === 'approved' || g?.status === 'completed') && waits) return { type: 'approve', by: g.decidedBy };
    return g?.status === 'completed' ? { type: 'grant', leaseId: null, evidence: g.result } : null;
  };

  /** What it was for may end while the provider is away: then nobody waits for it, and what it may have made goes back. */
  const lease = async (told?: Gate): Promise<Lent | null> => {
    const asking = new CancellationScope();
    const lent = asking.run(() =>
      told
        ? credentials.grantLease(access, input.leaseMs, input.until ?? null, told)
        : credentials.grantLease(access, input.leaseMs, input.until ?? null),
    );
    const ended = condition(() => over !== null).then(() => 'over' as const);
    const first = await Promise.race([lent, ended]);
    if (first !== 'over') return first;
    asking.cancel();
    return { leaseId: access.id, refused: over ?? cancelledInTemporal };
  };
  const grant = async (event: Extract<AccessEvent, { type: 'grant' }>, told?: Gate): Promise<void> => {
    const lent = await lease(told);
    if (lent && 'gate' in lent) return told && gate.correct(told, lent);
    if (lent && 'refused' in lent) {
      await credentials.revokeLease(access, lent.refused);
      return move({ type: 'expire', reason: lent.refused }, 'gate:refused');
    }
    if (lent) lifeMs = lent.lifeMs;
    await move({ ...event, leaseId: lent?.leaseId ?? null }, 'gate:grant', told);
  };

  /** The review of a workflow was the decision. */
  const byReview = async ({ number, workflowKey, version, reviewedBy }: Preapproval): Promise<void> => {
    const name = `workflow ${number}, version ${version}, reviewed by ${reviewedBy}`;
    await move({ type: 'approve', by: { id: null, kind: 'system', name } }, 'preapproved');
    if (over === null) await grant({ type: 'grant', leaseId: null, evidence: `preapproved by ${workflowKey}` });
    else await move({ type: 'expire', reason: over }, 'preapproved:over');
  };

  /** Follows the gate to its end. When what the access was for is over, the gate is withdrawn, and says so itself. */
  const follow = async (): Promise<void> => {
    let withdrawn = false;
    while (!isSettled(access) && access.status !== 'granted') {
      await condition(() => due() !== null || (over !== null && !withdrawn));
      const event = due();
      const told = gate.standing();
      if (event?.type === 'grant' && told) {
        await grant(event, told);
      } else if (event && told) {
        await move(event, `gate:${event.type}`, told);
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
      if ('preapproved' in input) await byReview(input.preapproved);
      else await follow();
      if (access.status === 'granted') await lend();
      await condition(allHandlersFinished);
    },
    () => void (over ??= cancelledInTemporal),
  );
  return access;
}

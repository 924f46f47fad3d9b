import {
  CancellationScope, ParentClosePolicy, allHandlersFinished, condition, defineUpdate, isCancellation, proxyActivities, setHandler,
  startChild, uuid4,
} from '@temporalio/workflow'; // prettier-ignore
import type { Activities, Proposal, Turn } from '../activities';
import type { AccessRequest } from '../domain/access';
import { Conflict, type DomainError } from '../domain/errors';
import { newGate, type Gate } from '../domain/gate';
import type { Actor } from '../domain/principal';
import { isEnded, step, type Run, type RunEvent } from '../domain/run';
import { accessRequest } from './access-request';
import { approvalGate, carriedOut } from './approval-gate';
import { attributes, onUpdate, refusalOf, rows, show, tell } from './kit';
import { workflowId } from './ids';
import { accessMoved, gateMoved, runEnded, stateOf, steer, withdraw } from './messages';

export interface RunInput {
  run: Run;
  gateTtlMs: number;
  leaseMs: number;
  queues: { agents: string; integrations: string };
}
export interface Stop {
  by: Actor;
  reason: string;
  terminate: boolean;
}

/** Answers when the row is there, or with the refusal. */
export const spawned = defineUpdate<Run>('spawned');
export const stop = defineUpdate<Run, [Stop]>('stop');
export const runState = stateOf<Run>();

const at = (): string => new Date().toISOString();

/** Work in one turn, then anything new in the next: an agent on a ticket, from its first step to its last lease. */
export async function agentRun(input: RunInput): Promise<Run> {
  const { tenantId, id } = input.run;
  const self = workflowId('agentRun', tenantId, id);
  let run = input.run;
  let recorded = false;
  let refused: DomainError | null = null;
  let gate: Gate | null = null;
  /** Grows with everything that the agent should look at: steering, access that moved. */
  let news = 0;
  const seen = new Set<string>();
  const access = new Map<string, AccessRequest>();
  const slow = proxyActivities<Activities>({
    taskQueue: input.queues.agents,
    startToCloseTimeout: '10 minutes',
    heartbeatTimeout: '10 seconds',
    retry: { maximumInterval: '30 seconds' },
  });

  const move = async (event: RunEvent, transition: string) => {
    const stands = await rows.recordRun(step(run, event, at()), { event, transition });
    run = stands.run;
    show(run.status, `Agent ${run.number}: ${run.status}, ${run.steps} steps\n\n${run.result ?? run.error ?? ''}`);
    if (!stands.applied) throw new Conflict(`the agent is already ${run.status}`, { status: run.status });
  };

  setHandler(runState, () => run);
  setHandler(gateMoved, (g) => void (g.version > (gate?.version ?? 0) ? (gate = g) : undefined));
  setHandler(accessMoved, (a) => {
    access.set(a.id, a);
    news += 1;
  });
  setHandler(steer, (s) => {
    if (seen.has(s.id)) return;
    seen.add(s.id);
    news += 1;
  });
  onUpdate(spawned, async () => {
    await condition(() => recorded || refused !== null);
    if (refused) throw refused;
    return run;
  });
  onUpdate(
    stop,
    async (s) => {
      await condition(() => recorded || refused !== null);
      if (isEnded(run)) throw new Conflict(`the agent is already ${run.status}`, { status: run.status });
      await move({ type: 'stop', ...s }, 'stop');
      return run;
    },
    () => {
      if (isEnded(run)) throw new Conflict(`the agent is already ${run.status}`, { status: run.status });
    },
  );
  const stopped = (): boolean => isEnded(run);
  const standing = (): Gate | null => gate;

  /** Turns until the agent has nothing more to do but to propose or finish. Null when it was stopped. */
  const work = async (proposing: boolean): Promise<Extract<Turn['next'], { kind: 'propose' | 'finish' }> | null> => {
    for (;;) {
      if (stopped()) return null;
      const heard = news;
      const turn = await rows.advance({ tenantId, runId: id, step: run.steps, proposing });
      run = { ...run, steps: turn.steps, progress: turn.progress };
      if (turn.next.kind === 'slow') {
        const done = await slow.runSlowStep({ tenantId, runId: id, step: turn.next.step });
        run = { ...run, steps: done.steps };
      } else if (turn.next.kind === 'request_access') {
        const asked = turn.next;
        await startChild(accessRequest, {
          workflowId: workflowId('accessRequest', tenantId, asked.access.id),
          args: [{ access: asked.access, gate: asked.gate, leaseMs: input.leaseMs, queue: input.queues.integrations }],
          parentClosePolicy: ParentClosePolicy.ABANDON,
          staticSummary: `${asked.access.permission} on ${asked.access.resource}`,
          typedSearchAttributes: attributes('accessRequest', asked.access),
        });
        await condition(() => access.has(asked.access.id) || stopped());
      } else if (turn.next.kind !== 'more' && heard === news) return turn.next;
    }
  };

  /** Opens the gate and waits for people; what is said meanwhile is worked on meanwhile. */
  const ask = async (proposal: Proposal): Promise<Gate | null> => {
    const gateId = uuid4();
    const { action, target, reason, digest } = proposal;
    const draft = newGate(
      {
        id: gateId, tenantId, ticketId: run.ticketId, runId: id, agentId: run.agentId, accessRequestId: null, action, target, reason,
        command: null, riskLevel: 'medium', approvalPolicy: { requires_human: true }, digest,
        requestedBy: { id: run.agentId, kind: 'agent', name: `agent-${run.number}` }, onBehalfOf: run.spawnedBy,
      },
      at(),
      input.gateTtlMs,
    ); // prettier-ignore
    await startChild(approvalGate, {
      workflowId: workflowId('approvalGate', tenantId, gateId),
      args: [{ gate: draft, tell: [self] }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `${proposal.action} ${proposal.target}`,
      typedSearchAttributes: attributes('approvalGate', draft),
    });
    await condition(() => standing() !== null);
    await move({ type: 'wait', for: 'pending_approval' }, `wait:${gateId}`);
    let heard = news;
    for (;;) {
      await condition(() => standing()?.status !== 'pending' || news !== heard || stopped());
      if (stopped()) return null;
      if (standing()?.status !== 'pending') return standing();
      heard = news;
      await work(false);
      await rows.answerSteering({ tenantId, runId: id });
    }
  };

  const carryOut = async (proposal: Proposal, approved: Gate): Promise<RunEvent> => {
    await move({ type: 'start' }, `resume:${approved.id}`);
    const done = await slow.carryOut({ tenantId, runId: id, step: run.steps, proposal, gateId: approved.id });
    run = { ...run, steps: run.steps + 1 };
    if (!done.proof) return { type: 'fail', error: done.result };
    await tell(workflowId('approvalGate', tenantId, approved.id), carriedOut, {
      id: `carried-out:${approved.id}`, by: done.by, result: done.result, proof: done.proof, correlationId: null,
    }); // prettier-ignore
    await condition(() => standing()?.status !== 'approved');
    return { type: 'finish', result: done.result };
  };

  const live = async (): Promise<void> => {
    await move({ type: 'start' }, 'start');
    const next = await work(true);
    if (!next) return;
    if (seen.size) await rows.answerSteering({ tenantId, runId: id });
    if (next.kind === 'finish') return move({ type: 'finish', result: next.summary }, 'finish');
    const decided = await ask(next.proposal);
    if (!decided || stopped()) return;
    if (decided.status === 'approved') return move(await carryOut(next.proposal, decided), 'finish');
    const who = decided.decidedBy ? ` by ${decided.decidedBy.name}` : '';
    const why = decided.decisionReason ? `: ${decided.decisionReason}` : '';
    await move({ type: 'finish', result: `not published: the change was ${decided.status}${who}${why}` }, 'finish');
  };

  try {
    const first = await rows.recordRun(run, { event: null, transition: 'open' });
    run = first.run;
    recorded = true;
  } catch (e) {
    refused = refusalOf(e);
    if (!refused) throw e;
    await condition(allHandlersFinished);
    return run;
  }
  try {
    await live();
  } catch (e) {
    await CancellationScope.nonCancellable(async () => {
      if (stopped()) return;
      const by: Actor = { id: null, kind: 'operator', name: 'Temporal' };
      const event: RunEvent = isCancellation(e)
        ? { type: 'stop', by, reason: 'cancelled in Temporal', terminate: false }
        : { type: 'fail', error: e instanceof Error ? e.message : String(e) };
      await move(event, 'failed');
    });
  }
  await CancellationScope.nonCancellable(async () => {
    const reason = `agent ${run.number} ${run.status}`;
    await Promise.all([...access.values()].flatMap((a) => [
      tell(workflowId('accessRequest', tenantId, a.id), runEnded, { reason }),
      tell(workflowId('approvalGate', tenantId, a.gateId), withdraw, { id: `run-ended:${id}`, reason }),
    ])); // prettier-ignore
    const open = standing();
    if (open && (open.status === 'pending' || open.status === 'approved')) {
      await tell(workflowId('approvalGate', tenantId, open.id), withdraw, { id: `run-ended:${id}`, reason });
    }
    await condition(allHandlersFinished);
  });
  return run;
}

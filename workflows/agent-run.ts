import {
  CancellationScope, ParentClosePolicy, allHandlersFinished, condition, defineUpdate, isCancellation,
  proxyActivities, setHandler, startChild, uuid4,
} from '@temporalio/workflow'; // prettier-ignore
import type { Activities, Proposal, Turn } from '../activities';
import type { AccessRequest } from '../domain/access';
import { Conflict } from '../domain/errors';
import { isSettled, type Gate } from '../domain/gate';
import { system, type Actor } from '../domain/principal';
import { isEnded, step, type Run, type RunEvent } from '../domain/run';
import { accessRequest } from './access-request';
import { carriedOut } from './approval-gate';
import {
  attributes,
  breathe,
  cancelledInTemporal,
  inTurn,
  onSignal,
  onUpdate,
  refusalOf,
  rows,
  show,
  tell,
  textOf,
  wordsOf,
  workflowTaskTimeout,
} from './kit';
import { workflowId } from './ids';
import { accessMoved, runEnded, stateOf, steer, withdraw } from './messages';
import { openGate, proposedGate } from './open-gate';
import { hearGate } from './told';

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
const fenceMs = 3_000;
const unpublished = ({ status, decidedBy, decisionReason }: Gate): string =>
  `not published: the change was ${status}${decidedBy ? ` by ${decidedBy.name}` : ''}${decisionReason ? `: ${decisionReason}` : ''}`;
/** What a run asks for lives on without it, and hears of its end in a message: so it must have begun by then. */
const begin = <T>(child: () => Promise<T>): Promise<T> => CancellationScope.nonCancellable(child);

/** Work in one turn, then anything new in the next: an agent on a ticket, from its first step to its last lease. */
export async function agentRun(input: RunInput): Promise<Run> {
  const { tenantId, id } = input.run;
  const self = workflowId('agentRun', tenantId, id);
  let run = input.run;
  let gateId: string | null = null;
  /** Grows with everything that the agent should look at: steering, access that moved. */
  let news = 0;
  /** As much of it as the agent has looked at. */
  let heard = 0;
  const seen = new Set<string>();
  const access = new Map<string, AccessRequest>();
  /** Access requests of its own; others may have been made for it. All of them hear of its end. */
  const asked: string[] = [];
  const next = inTurn();
  /** What the agent does; stopping it cancels this, and only this. */
  const working = new CancellationScope();
  const slow = proxyActivities<Activities>({
    taskQueue: input.queues.agents,
    startToCloseTimeout: '10 minutes',
    heartbeatTimeout: '10 seconds',
    retry: { maximumInterval: '30 seconds' },
  });

  /** False: nothing moved, for the row of the gate says something else than what was told. */
  const move = (event: RunEvent, transition: string, told?: Gate): Promise<boolean> =>
    next(async () => {
      const stands = await rows.recordRun(step(run, event, at()), { event, transition, ...(told && { told }) });
      run = stands.run;
      if (stands.otherwise && told) {
        gate.correct(told, stands.otherwise);
        return false;
      }
      show(run.status, `Agent ${run.number}: ${run.status}, ${run.steps} steps\n\n${run.result ?? run.error ?? ''}`);
      if (!stands.applied) throw new Conflict(`the agent is already ${run.status}`, { status: run.status });
      return true;
    });
  /** Its end, unless it has ended otherwise: then the row says how. */
  const end = async (event: RunEvent, transition: string): Promise<void> => {
    try {
      await move(event, transition);
    } catch (e) {
      if (!refusalOf(e) || !isEnded(run)) throw e;
    }
  };
  /** What the ledger counts; a run that has ended counts no more. */
  const count = ({ steps, progress }: Pick<Run, 'steps' | 'progress'>): void => {
    if (!isEnded(run)) run = { ...run, steps, progress };
  };

  const spawning = next(async () => {
    run = (await rows.recordRun(run, { event: null, transition: 'open' })).run;
    show(run.status, `Agent ${run.number}: ${run.status}`);
  });
  setHandler(runState, () => run);
  const gate = hearGate(() => gateId);
  onSignal(
    accessMoved,
    (raw) => (textOf(raw.id) && textOf(raw.gateId) ? (raw as AccessRequest) : null),
    (a) => {
      access.set(a.id, a);
      news += 1;
    },
  );
  onSignal(
    steer,
    (raw) => (textOf(raw.id) ? { id: textOf(raw.id) ?? '' } : null),
    (s) => {
      if (seen.has(s.id)) return;
      seen.add(s.id);
      news += 1;
    },
  );
  onUpdate(spawned, async () => {
    await spawning;
    return run;
  });
  onUpdate(stop, async (s) => {
    await spawning;
    if (isEnded(run)) throw new Conflict(`the agent is already ${run.status}`, { status: run.status });
    await move({ type: 'stop', ...s }, 'stop');
    working.cancel();
    return run;
  });
  /** Turns until the agent has nothing more to do but to propose or finish. */
  const work = async (proposing: boolean): Promise<Extract<Turn['next'], { kind: 'propose' | 'finish' }>> => {
    for (;;) {
      if (working.consideredCancelled) await working.cancelRequested; // throws: rows and the breath between them do not
      heard = news;
      const turn = await next(() => rows.advance({ tenantId, runId: id, step: run.steps, proposing }));
      count(turn);
      if (turn.next.kind === 'slow') {
        count(await slow.runSlowStep({ tenantId, runId: id, step: turn.next.step }));
      } else if (turn.next.kind === 'request_access') {
        const wanted = turn.next.access;
        asked.push(wanted.id);
        const args = { access: wanted, gate: turn.next.gate, leaseMs: input.leaseMs, queue: input.queues.integrations };
        await begin(() =>
          startChild(accessRequest, {
            workflowId: workflowId('accessRequest', tenantId, wanted.id),
            args: [args],
            workflowTaskTimeout,
            parentClosePolicy: ParentClosePolicy.ABANDON,
            staticSummary: `${wanted.permission} on ${wanted.resource}`,
            typedSearchAttributes: attributes('accessRequest', wanted),
          }),
        );
        await condition(() => access.has(wanted.id));
      } else if (turn.next.kind === 'fenced') {
        // Whoever set the fence stops the run next, and this turn with it; should they have died in between, it ends here.
        await condition(() => isEnded(run), fenceMs);
        await move({ type: 'stop', by: system, reason: turn.next.reason, terminate: false }, 'fenced');
      } else if (turn.next.kind === 'more') {
        await breathe();
      } else if (heard === news) return turn.next;
    }
  };

  /** Opens the gate that people decide at. */
  const ask = async (proposal: Proposal): Promise<void> => {
    gateId = uuid4();
    const draft = proposedGate(run, gateId, proposal, at(), input.gateTtlMs);
    await begin(() => openGate(draft, [self]));
    await condition(() => gate.standing() !== null);
    await move({ type: 'wait', for: 'pending_approval' }, `wait:${gateId}`);
  };

  /** Waits for people; what is said meanwhile is worked on meanwhile. */
  const decision = async (): Promise<Gate> => {
    for (;;) {
      await condition(() => gate.decided() !== null || news !== heard);
      const stands = gate.decided();
      if (stands) return stands;
      await work(false);
      await next(() => rows.answerSteering({ tenantId, runId: id }));
    }
  };

  const carryOut = async (proposal: Proposal, approved: Gate): Promise<RunEvent> => {
    const done = await slow.carryOut({ tenantId, runId: id, step: run.steps, proposal, gateId: approved.id });
    count(done);
    if (!done.proof) return { type: 'fail', error: done.result };
    await tell(workflowId('approvalGate', tenantId, approved.id), carriedOut, {
      id: `carried-out:${approved.id}`, by: done.by, result: done.result, proof: done.proof, correlationId: null,
    }); // prettier-ignore
    await condition(() => gate.standing()?.status !== 'approved');
    return { type: 'finish', result: done.result };
  };

  const live = async (): Promise<void> => {
    await breathe();
    await move({ type: 'start' }, 'start');
    const outcome = await work(true);
    await next(() => rows.answerSteering({ tenantId, runId: id }));
    if (outcome.kind === 'finish') return void (await move({ type: 'finish', result: outcome.summary }, 'finish'));
    await ask(outcome.proposal);
    for (;;) {
      const told = await decision();
      if (told.status !== 'approved') {
        if (await move({ type: 'finish', result: unpublished(told) }, 'finish', told)) return;
      } else if (await move({ type: 'start' }, `resume:${told.id}`, told)) {
        return void (await move(await carryOut(outcome.proposal, told), 'finish'));
      }
    }
  };

  const tidy = async (): Promise<void> => {
    const reason = `agent ${run.number} ${run.status}`;
    const stands = gate.standing();
    const open = gateId !== null && (!stands || !isSettled(stands));
    await Promise.all([
      ...[...new Set([...asked, ...access.keys()])].map((a) =>
        tell(workflowId('accessRequest', tenantId, a), runEnded, { reason }),
      ),
      ...(open && gateId
        ? [tell(workflowId('approvalGate', tenantId, gateId), withdraw, { id: `run-ended:${id}`, reason })]
        : []),
    ]);
    await condition(allHandlersFinished);
  };

  try {
    await spawning;
  } catch (e) {
    if (!refusalOf(e)) throw e;
    await condition(allHandlersFinished); // each of them was refused as well
    return run;
  }
  try {
    await working.run(live);
  } catch (e) {
    if (!isEnded(run)) {
      const by: Actor = { id: null, kind: 'operator', name: 'Temporal' };
      const event: RunEvent = isCancellation(e)
        ? { type: 'stop', by, reason: cancelledInTemporal, terminate: false }
        : { type: 'fail', error: wordsOf(e) };
      await end(event, 'failed');
    }
  }
  await CancellationScope.nonCancellable(tidy);
  return run;
}

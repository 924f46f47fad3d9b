import {
  CancellationScope, ContinueAsNew, allHandlersFinished, condition, continueAsNew, defineUpdate, isCancellation, setHandler, uuid4, workflowInfo,
} from '@temporalio/workflow'; // prettier-ignore
import type { Proposal, RecordedRun, Turn } from '../activities';
import { Conflict } from '../domain/errors';
import { isSettled, type Gate } from '../domain/gate';
import { system, type Actor } from '../domain/principal';
import { isEnded, step, type Run, type RunEvent } from '../domain/run';
import { agentsQueue, modelAttempts } from './agents-queue';
import { carriedOut } from './approval-gate';
import { hearNews } from './hear-news';
import { breathe, cancelledInTemporal, inTurn, onUpdate, refusalOf, rows, show, tell, wordsOf } from './kit';
import { workflowId } from './ids';
import { runEnded, stateOf, withdraw } from './messages';
import { openAccess } from './open-access';
import { openGate, proposedGate, unpublished } from './open-gate';
import type { Elsewhere, LaunchEnd } from './launches';
import type { Conclusion, RunInput, Stop } from './run-input';
import { hearGate } from './told';
import { hearCalls } from './tool-calls';
import { hearTurn, startNext } from './turn';
import { withCommand } from './with-command';
import { withRemote } from './with-remote';
import { workingTime } from './working-time';

/** Answers when the row is there, or with the refusal. */
export const spawned = defineUpdate<Run>('spawned');
export const stop = defineUpdate<Run, [Stop]>('stop');
export const conclude = defineUpdate<Run, [Conclusion]>('conclude');
export const runState = stateOf<Run>();

/** How a stretch of work ended. renew: another workflow is to go on with it. */
type Outcome = Extract<Turn['next'], { kind: 'attend' | 'offer' | 'propose' | 'finish' | 'fail' }> | { kind: 'renew' };

const at = (): string => new Date().toISOString();
const over = (): boolean => false;
/** What a run asks for lives on without it, and hears of its end in a message: so it must have begun by then. */
const begin = <T>(child: () => Promise<T>): Promise<T> => CancellationScope.nonCancellable(child);

/** Work in one turn, then anything new in the next: an agent on a ticket, from its first step to its last lease. */
export async function agentRun(input: RunInput): Promise<Run> {
  const { tenantId, id } = input.run;
  const self = workflowId('agentRun', tenantId, id);
  let [run, after]: [Run, RecordedRun['next']] = [input.run, undefined];
  let gateId: string | null = null;
  const { order, carried: { access: standing = [], asked: before = [], seen = [] } = {} } = input;
  /** As much of the news as the agent has looked at. */
  let heard = 0;
  /** Access requests of its own; others may have been made for it. All of them hear of its end. */
  const asked = [...before];
  const next = inTurn();
  /** What the agent does; stopping it cancels this, and only this. */
  const working = new CancellationScope();
  const agents = agentsQueue(input.queues.agents);
  const clock = workingTime(input.run.runtime?.timeout_minutes ?? 0, input.carried?.worked);

  /** False: nothing moved, for the row of the gate says something else than what was told, or it is not its turn. */
  const move = (event: RunEvent, transition: string, told?: Gate): Promise<boolean> =>
    next(async () => {
      const stands = await rows.recordRun(step(run, event, at()), { event, transition, ...(told && { told }) });
      [run, after] = [stands.run, stands.next ?? after];
      if (stands.otherwise && told) {
        gate.correct(told, stands.otherwise);
        return false;
      }
      if (stands.queued) return false;
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
    if (input.carried) return;
    run = (await rows.recordRun(run, { event: null, transition: 'open', ...(order && { order }) })).run;
    show(run.status, `Agent ${run.number}: ${run.status}`);
  });
  setHandler(runState, () => run);
  const inItsTurn = hearTurn(order?.runAt ?? null);
  const gate = hearGate(() => gateId);
  const news = hearNews({ access: standing, seen });
  const calls = hearCalls({ ready: spawning, run: () => run, count, runCall: agents.runCall });
  onUpdate(spawned, async () => {
    await spawning;
    return run;
  });
  const endBy = async (event: RunEvent, transition: string): Promise<Run> => {
    await spawning;
    if (isEnded(run)) throw new Conflict(`the agent is already ${run.status}`, { status: run.status });
    await move(event, transition);
    working.cancel();
    return run;
  };
  onUpdate(stop, (s) => endBy({ type: 'stop', ...s }, 'stop'));
  onUpdate(conclude, ({ by, reason: result, status: as }) =>
    endBy(as === 'finished' ? { type: 'finish', result, by } : { type: 'fail', error: result, by }, 'concluded'),
  );
  /** Whoever set the fence stops the run next, and its turn with it; should they have died in between, it ends here. */
  const endFenced = async (reason: string): Promise<void> => {
    await condition(() => isEnded(run), '3 seconds');
    await move({ type: 'stop', by: system, reason, terminate: false }, 'fenced');
  };
  let [turns, from] = [0, { launch: input.carried?.launch ?? 1, tried: input.carried?.tried ?? 0 }];
  /** Its supervisor holds a command to its time, and its lease an agent elsewhere: what they wait for people is none of it. */
  const launched = async (stretch: Outcome): Promise<Exclude<Outcome, Elsewhere> | LaunchEnd> => {
    const around = { run, next, move, news: () => news.count() + gate.others() };
    if (stretch.kind === 'attend')
      return withCommand({ ...around, queue: input.queues.processes ?? input.queues.agents });
    return stretch.kind === 'offer' ? withRemote(around, from, () => renewing() && calls.idle()) : stretch;
  };
  const renewing = (): boolean =>
    turns + calls.made() >= (input.turnsEach ?? Infinity) || workflowInfo().continueAsNewSuggested;
  /** Turns until the agent has nothing more to do but to propose or finish, or its history is long enough. */
  const work = async (proposing: boolean): Promise<Outcome> => {
    for (; ; turns += 1) {
      const scope = CancellationScope.current();
      if (scope.consideredCancelled) await scope.cancelRequested; // throws: rows and the breath between them do not
      if (proposing && renewing()) return { kind: 'renew' };
      heard = news.count();
      const turn = await next(() => rows.advance({ tenantId, runId: id, step: run.steps, proposing }));
      count(turn);
      const todo = turn.next;
      if (todo.kind === 'slow') {
        count(await agents.runSlowStep({ tenantId, runId: id, step: todo.step }));
      } else if (todo.kind === 'think') {
        count(await agents.think({ tenantId, runId: id, turn: todo.turn, attempts: modelAttempts }));
      } else if (todo.kind === 'attend' || todo.kind === 'offer') {
        return todo;
      } else if (todo.kind === 'request_access') {
        const { access, gate } = todo;
        asked.push(access.id);
        await begin(() => openAccess({ access, gate, leaseMs: input.leaseMs, queue: input.queues.integrations }));
        await condition(() => news.access.has(access.id));
      } else if (todo.kind === 'fenced') {
        await endFenced(todo.reason);
      } else if (todo.kind === 'more') {
        await breathe();
      } else if (heard === news.count()) return todo;
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
      await condition(() => gate.decided() !== null || news.count() !== heard);
      const stands = gate.decided();
      if (stands) return stands;
      await clock.spend(() => work(false));
      await next(() => rows.answerSteering({ tenantId, runId: id }));
    }
  };

  const carryOut = async (proposal: Proposal, approved: Gate): Promise<RunEvent> => {
    const done = await agents.carryOut({ tenantId, runId: id, step: run.steps, proposal, gateId: approved.id });
    count(done);
    if (!done.proof) return { type: 'fail', error: done.result };
    await tell(workflowId('approvalGate', tenantId, approved.id), carriedOut, {
      id: `carried-out:${approved.id}`, by: done.by, result: done.result, proof: done.proof, correlationId: null,
    }); // prettier-ignore
    await condition(() => gate.standing()?.status !== 'approved');
    return { type: 'finish', result: done.result };
  };

  /** Answers whether another workflow is to go on with it. */
  const live = async (): Promise<boolean> => {
    await breathe();
    if (!input.carried) await inItsTurn(() => move({ type: 'start' }, 'start'));
    const outcome = await launched(await clock.spend(() => work(true)));
    if ('launch' in outcome) from = { launch: outcome.launch, tried: outcome.tried };
    if (outcome.kind === 'renew') return true;
    if (outcome.kind === 'fenced') return endFenced(outcome.reason).then(over);
    await next(() => rows.answerSteering({ tenantId, runId: id }));
    if (outcome.kind === 'finish') return move({ type: 'finish', result: outcome.summary }, 'finish').then(over);
    if (outcome.kind === 'fail') return move({ type: 'fail', error: outcome.error }, 'failed').then(over);
    await ask(outcome.proposal);
    for (;;) {
      const told = await decision();
      if (told.status !== 'approved') {
        if (await move({ type: 'finish', result: unpublished(told) }, 'finish', told)) return false;
      } else if (await move({ type: 'start' }, `resume:${told.id}`, told)) {
        return move(await carryOut(outcome.proposal, told), 'finish').then(over);
      }
    }
  };

  const tidy = async (): Promise<void> => {
    const reason = `agent ${run.number} ${run.status}`;
    const stands = gate.standing();
    const open = gateId !== null && (!stands || !isSettled(stands));
    const told = new Set<string>();
    const untold = (): string[] => [...new Set([...asked, ...news.access.keys()])].filter((a) => !told.has(a));
    const tellOf = (access: string): Promise<boolean> => {
      told.add(access);
      return tell(workflowId('accessRequest', tenantId, access), runEnded, { reason });
    };
    const tells = untold().map(tellOf);
    if (open && gateId)
      tells.push(tell(workflowId('approvalGate', tenantId, gateId), withdraw, { id: `run-ended:${id}`, reason }));
    await Promise.all(tells);
    await condition(allHandlersFinished);
    // What was made for it meanwhile is heard of only now.
    for (; untold().length; await condition(allHandlersFinished)) await Promise.all(untold().map(tellOf));
  };

  try {
    await spawning;
  } catch (e) {
    if (!refusalOf(e)) throw e;
    await condition(allHandlersFinished); // each of them was refused as well
    return run;
  }
  try {
    if (await working.run(live)) {
      await condition(allHandlersFinished);
      const carried = { access: [...news.access.values()], asked, seen: [...news.seen], worked: clock.spent, ...from };
      if (!isEnded(run)) await continueAsNew<typeof agentRun>({ ...input, run, carried });
    }
  } catch (e) {
    if (e instanceof ContinueAsNew) throw e;
    if (!isEnded(run)) {
      const by: Actor = { id: null, kind: 'operator', name: 'Temporal' };
      const event: RunEvent = isCancellation(e)
        ? { type: 'stop', by, reason: cancelledInTemporal, terminate: false }
        : { type: 'fail', error: wordsOf(e) };
      await end(event, 'failed');
    }
  }
  await CancellationScope.nonCancellable(() => tidy().then(() => startNext(input, after)));
  return run;
}

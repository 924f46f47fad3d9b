import {
  CancellationScope, ParentClosePolicy, allHandlersFinished, condition, defineUpdate, isCancellation, setHandler, sleep,
  startChild,
} from '@temporalio/workflow'; // prettier-ignore
import { Conflict } from '../domain/errors';
import { groupsOf, isOver, type Moved, type Pipeline, type PipelineEvent, type StepState } from '../domain/pipeline';
import { system, type Actor } from '../domain/principal';
import { agentRun } from './agent-run';
import { workflowId } from './ids';
import { attributes, breathe, cancelledInTemporal, inTurn, onUpdate, refusalOf, rows, show, wordsOf, workflowTaskTimeout } from './kit'; // prettier-ignore
import { stateOf } from './messages';

export interface PipelineInput {
  pipeline: Pipeline;
  gateTtlMs: number;
  leaseMs: number;
  queues: { agents: string; integrations: string };
}
export interface End {
  /** Of the row's transition: a repeat has the same. */
  transition: string;
  status: 'completed' | 'failed' | 'cancelled';
  text: string;
  by: Actor;
}
/** How far it is; what its steps say, and what came of them, is in its row. */
export interface Progress extends Omit<Moved, 'steps'> {
  name: string;
  steps: (StepState & { name: string })[];
}

/** Answers when the row is there. */
export const opened = defineUpdate<Progress>('opened');
/** Ends it, whatever its steps do: those that go on are stopped, the others are skipped. */
export const end = defineUpdate<Progress, [End]>('end');
export const pipelineState = stateOf<Progress>();

const at = (): string => new Date().toISOString();
const firstWaitMs = 5_000;
const longestWaitMs = 300_000;

/**
 * Steps in their order, those that share one together, each as a run; a step that fails is tried again as often as it says.
 * What is left of them when one fails for good is skipped. One that others carry out waits to be told how it went.
 */
export async function pipelineRun(input: PipelineInput): Promise<Progress> {
  const { tenantId, id, steps: plan, carriedOutBy } = input.pipeline;
  const { name, number, ticketId, status, version } = input.pipeline;
  const { gateTtlMs, leaseMs, queues } = input;
  const pipeline: Progress = {
    ...{ name, number, ticketId, status, version },
    steps: plan.map(({ name, status, attempts, runIds }) => ({ name, status, attempts, runIds })),
  };
  const next = inTurn();
  const working = new CancellationScope();

  const take = ({ number, ticketId, status, version, steps }: Moved): void => {
    Object.assign(pipeline, { number, ticketId, status, version });
    for (const { step, to } of steps) Object.assign(pipeline.steps[step] ?? {}, to);
    const told = pipeline.steps.map((s) => `${s.name}: ${s.status}`);
    show(status, [`${name}: ${status}`, '', ...told].join('\n'));
    if (isOver(pipeline)) working.cancel();
  };
  /** A move that stands already, wherever, is adopted; over, nothing works on. @throws Conflict when it is over otherwise */
  const move = (event: PipelineEvent, transition: string): Promise<void> =>
    next(async () => {
      const stands = await rows.recordPipeline({ tenantId, id }, { event, transition, at: at() });
      take(stands);
      if (!stands.applied) throw new Conflict(`the run is already ${stands.status}`, { status: stands.status });
    });
  const opening = next(async () =>
    take(await rows.recordPipeline({ tenantId, id }, { event: null, transition: 'open', draft: input.pipeline })),
  );
  setHandler(pipelineState, () => pipeline);
  onUpdate(opened, async () => {
    await opening;
    return pipeline;
  });
  onUpdate(end, async ({ transition, ...how }) => {
    await opening;
    await move({ type: 'end', ...how }, transition);
    return pipeline;
  });

  /** One try of a step: what came of it, or why it failed and whether another try may help. */
  const tryOnce = async (
    index: number,
    attempt: number,
  ): Promise<{ result: string } | { error: string; again: boolean }> => {
    const draft = await next(() => rows.draftStep({ tenantId, pipelineId: id, step: index, attempt, at: at() }));
    if (draft.run === null) return { error: draft.reason, again: false };
    const { run, title, order } = draft;
    await move({ type: 'try', step: index, runId: run.id }, `try:${index}:${attempt}`);
    const seconds = plan[index]?.timeoutSeconds ?? null;
    const scope =
      seconds === null
        ? new CancellationScope()
        : new CancellationScope({ cancellable: true, timeout: seconds * 1_000 });
    try {
      // Cancelled, it waits for the run to have ended: nothing of a step goes on behind its back.
      const ended = await scope.run(async () => {
        const child = await startChild(agentRun, {
          workflowId: workflowId('agentRun', tenantId, run.id),
          args: [{ run, ...(order && { order, retriedByParent: true as const }), gateTtlMs, leaseMs, queues }],
          workflowTaskTimeout,
          parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
          staticSummary: title.slice(0, 200).toWellFormed(),
          typedSearchAttributes: attributes('agentRun', run),
        });
        return child.result();
      });
      if (ended.status === 'finished') return { result: ended.result ?? '' };
      const late = scope.consideredCancelled && !working.consideredCancelled;
      return late
        ? { error: `it took longer than ${seconds} seconds`, again: true }
        : { error: ended.error ?? `its agent is ${ended.status}`, again: ended.status === 'failed' };
    } catch (e) {
      if (working.consideredCancelled && isCancellation(e)) throw e;
      return { error: isCancellation(e) ? `it took longer than ${seconds} seconds` : wordsOf(e), again: true };
    }
  };

  /** Whether it was completed. Says nothing more when the pipeline is over by then. */
  const carryOut = async (index: number): Promise<boolean> => {
    const { retries = 0, task } = plan[index] ?? {};
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await tryOnce(index, attempt);
      if (working.consideredCancelled) await working.cancelRequested; // throws
      if ('result' in outcome) {
        await move({ type: 'step_end', step: index, status: 'completed', text: outcome.result }, `done:${index}`);
        return true;
      }
      // Of a task, the next attempt stands already, and waits by itself, or there is none.
      if (!outcome.again || (!task && attempt > retries)) {
        await move({ type: 'step_end', step: index, status: 'failed', text: outcome.error }, `failed:${index}`);
        return false;
      }
      if (!task) await sleep(Math.min(longestWaitMs, firstWaitMs * 2 ** (attempt - 1)));
    }
  };

  const live = async (): Promise<void> => {
    await breathe();
    if (carriedOutBy === 'reported') return condition(() => isOver(pipeline));
    await move({ type: 'start' }, 'start');
    for (const group of groupsOf(plan)) {
      const outcomes = await Promise.allSettled(group.map(carryOut));
      for (const o of outcomes) if (o.status === 'rejected') throw o.reason;
      if (outcomes.every((o) => o.status === 'fulfilled' && o.value)) continue;
      const failed = pipeline.steps.filter((s) => s.status === 'failed').map((s) => s.name);
      return move({ type: 'end', status: 'failed', text: `failed: ${failed.join(', ')}`, by: system }, 'end');
    }
    return move({ type: 'end', status: 'completed', text: null, by: system }, 'end');
  };

  await opening;
  try {
    await working.run(live);
  } catch (e) {
    if (!isOver(pipeline)) {
      const by: Actor = { id: null, kind: 'operator', name: 'Temporal' };
      const event: PipelineEvent = isCancellation(e)
        ? { type: 'end', status: 'cancelled', text: cancelledInTemporal, by }
        : { type: 'end', status: 'failed', text: wordsOf(e), by: system };
      await CancellationScope.nonCancellable(() => move(event, 'end')).catch((refusal: unknown) => {
        if (!refusalOf(refusal) || !isOver(pipeline)) throw refusal; // it has ended otherwise: the row says how
      });
    }
  }
  await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
  return pipeline;
}

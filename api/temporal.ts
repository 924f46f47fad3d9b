import {
  type Connection, ServiceError, WithStartWorkflowOperation, WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError,
  WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError, isGrpcServiceError, type ScheduleClient, type WorkflowClient,
} from '@temporalio/client'; // prettier-ignore
import { ApplicationFailure, type SignalDefinition, type UpdateDefinition, type Workflow } from '@temporalio/common';
import type { Config } from '../config';
import { revive, Unavailable } from '../domain/errors';
import { queuesOf } from '../domain/queues';
import { workflowId } from '../workflows/ids';
import { startOptions, type EntityRef, type Start } from '../workflows/start';

/** A Signal is only the short way: what it does not reach, the dispatcher does. */
const signalMs = 2_000;

const failedPrecondition = 9;
const mostBesides = 4;
const mostTries = 3;

/** The workflow of that entity has ended (or never was): the row says how. */
export class Gone extends Error {}

/** How the server says that nobody looked at an Update, for its workflow ended or many came at once; and that it ended meanwhile. */
const unanswered = (e: unknown, how: 'UnprocessedUpdate' | 'AcceptedUpdateCompletedWorkflow'): boolean =>
  e instanceof WorkflowUpdateFailedError && e.cause instanceof ApplicationFailure && e.cause.type === how;

/** The task that was to answer is done once more, for something came meanwhile: a workflow that would have ended has to look at it. */
const taskRepeated = (e: unknown): boolean =>
  e instanceof ServiceError &&
  isGrpcServiceError(e.cause) &&
  Number(e.cause.code) === failedPrecondition &&
  /workflow task failure/.test(e.cause.details);

/**
 * What was not looked at changed nothing, and what was is found by the id of the Update, or by its row: asked again, it is
 * answered, or the engine says that the workflow is over.
 */
const again = <T>(work: () => Promise<T>, left = mostTries): Promise<T> =>
  work().catch((e: unknown) => {
    if (left > 1 && (unanswered(e, 'UnprocessedUpdate') || taskRepeated(e))) return again(work, left - 1);
    throw e;
  });

/** The failures of the Temporal client as this project speaks of them. */
function translate(e: unknown): unknown {
  if (unanswered(e, 'AcceptedUpdateCompletedWorkflow')) return new Gone('its workflow ended meanwhile');
  if (e instanceof WorkflowUpdateFailedError && e.cause instanceof ApplicationFailure) {
    const refusal = revive(e.cause.type, e.cause.message, e.cause.details?.[0]);
    if (refusal) return refusal;
  }
  if (e instanceof WorkflowNotFoundError || e instanceof WorkflowExecutionAlreadyStartedError)
    return new Gone(e.message);
  const away =
    unanswered(e, 'UnprocessedUpdate') || e instanceof WorkflowUpdateRPCTimeoutOrCancelledError || e instanceof ServiceError || isGrpcServiceError(e) ||
    (e instanceof Error && e.name === 'AbortError'); // prettier-ignore
  return away ? new Unavailable('the workflow engine did not answer in time: repeat the request', { retry: true }) : e;
}

export function temporalGateway(
  connection: Connection,
  { workflow, schedule }: { workflow: WorkflowClient; schedule: ScheduleClient },
  { taskQueuePrefix, temporalUi: ui, workflowPatienceMs }: Config,
  namespace: string,
) {
  const queues = queuesOf(taskQueuePrefix);
  const underWay = new Set<Promise<unknown>>();
  let besides = 0;
  /** As long as it waits for an Update; then 503, and a repeat with the same key finds what was done. */
  const patiently = async <T>(work: () => Promise<T>, ms = workflowPatienceMs): Promise<T> => {
    const call = connection.withDeadline(Date.now() + ms, () => again(work));
    underWay.add(call);
    try {
      return await call;
    } catch (e) {
      throw translate(e);
    } finally {
      underWay.delete(call);
    }
  };
  const handle = (ref: EntityRef) => workflow.getHandle(workflowId(ref.kind, ref.tenantId, ref.id));

  return {
    queues,
    workflow,
    schedule,
    /** Starts the entity's workflow, or finds it running, and waits for what `update` answers. @throws Gone when it has ended */
    open: <W extends Workflow, R, A extends string[]>(
      type: W,
      update: UpdateDefinition<R, A>,
      start: Start<Parameters<W>>,
      ...args: A
    ): Promise<R> =>
      patiently(() => {
        const options = startOptions<unknown[]>(start, queues.lifecycle);
        const startWorkflowOperation = new WithStartWorkflowOperation<Workflow>(start.ref.kind, options);
        return workflow.executeUpdateWithStart<Workflow, R, string[]>(update.name, {
          startWorkflowOperation,
          updateId: [update.name, ...args].join(':'),
          args,
        });
      }, start.patienceMs),
    /** Starts the entity's workflow, or finds it running. @throws Gone when it has ended */
    start: <A extends unknown[]>(start: Start<A>): Promise<void> =>
      patiently(async () => {
        await workflow.start<Workflow>(start.ref.kind, startOptions<unknown[]>(start, queues.lifecycle));
      }),
    /** Sends an Update and waits for its answer. @throws Gone when the workflow has ended; DomainError when it refuses */
    update: <R, A extends unknown[]>(
      ref: EntityRef,
      update: UpdateDefinition<R, A>,
      updateId: string,
      ...args: A
    ): Promise<R> =>
      patiently(() =>
        handle(ref).executeUpdate<R, [unknown, ...unknown[]]>(update.name, {
          updateId,
          args: args as unknown[] as [unknown, ...unknown[]],
        }),
      ),
    /** @throws Gone */
    signal: <A extends unknown[]>(ref: EntityRef, signal: SignalDefinition<A>, ...args: A): Promise<void> =>
      patiently(() => handle(ref).signal(signal, ...args), signalMs),
    /** Work that nobody waits for, on a connection of the database meanwhile: so few at a time, and what is beyond is a reader's. */
    aside: (work: () => Promise<void>): void => {
      if (besides >= mostBesides) return;
      besides += 1;
      const call = work();
      underWay.add(call);
      void call.finally(() => {
        besides -= 1;
        underWay.delete(call);
      });
    },
    /** When no call is under way: the client's own retries must not meet a closed connection. */
    settled: async (): Promise<void> => void (await Promise.allSettled(underWay)),
    /** Whether the engine answers, and how long it took. */
    ping: (): Promise<void> => patiently(async () => void (await connection.workflowService.getSystemInfo({}))),
    /** Where an operator sees it. */
    link: (ref: EntityRef): string | null =>
      ui && `${ui}/namespaces/${namespace}/workflows/${encodeURIComponent(workflowId(ref.kind, ref.tenantId, ref.id))}`,
  };
}
export type Temporal = ReturnType<typeof temporalGateway>;

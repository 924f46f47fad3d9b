import { defineSearchAttributeKey, type UpdateDefinition } from '@temporalio/common';
import {
  ActivityFailure, ApplicationFailure, CancellationScope, getExternalWorkflowHandle, proxyLocalActivities, rootCause,
  setCurrentDetails, setHandler, sleep, upsertSearchAttributes, type SignalDefinition,
} from '@temporalio/workflow'; // prettier-ignore
import type { Activities } from '../activities';
import { DomainError, refusalCodes, revive } from '../domain/errors';

/** Rows: a local activity is written inside the workflow task and costs no extra round trip to the server. */
export const rows = proxyLocalActivities<Activities>({
  startToCloseTimeout: '10 seconds',
  retry: {
    initialInterval: '50 milliseconds',
    maximumInterval: '5 seconds',
    nonRetryableErrorTypes: [...refusalCodes],
  },
});

/** The refusal behind a failure, or null when it is trouble of another kind. */
export function refusalOf(error: unknown): DomainError | null {
  if (error instanceof DomainError) return error;
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof ApplicationFailure ? revive(cause.type, cause.message, cause.details?.[0]) : null;
}

/** What went wrong, in the words of whoever it went wrong for. */
export const wordsOf = (error: unknown): string => rootCause(error) ?? String(error);

export const refuse = (e: DomainError): ApplicationFailure =>
  ApplicationFailure.create({ message: e.message, type: e.code, details: [e.details], nonRetryable: true });

/**
 * Runs what it is given one at a time, in the order it came: what is decided next is decided on what stands by then. A
 * change under way is finished, also when somebody cancels the workflow.
 *
 * Local activities of handlers and main flow all go through one of these: a replay hands their results over together
 * where they came one by one, so two at a time, or one that is cancelled, could replay in another order.
 */
export function inTurn(): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let busy = false;
  // One for all turns: the SDK takes a stack trace of every promise there is, and a scope makes three.
  const shield = new CancellationScope({ cancellable: false });
  return async (work) => {
    if (busy) await new Promise<void>((go) => waiting.push(go));
    busy = true;
    try {
      return await shield.run(work);
    } finally {
      // Who asked hears of a failure; the next is not concerned.
      const go = waiting.shift();
      if (go) go();
      else busy = false;
    }
  };
}

/**
 * Ends the workflow task: answers go out, and what was said meanwhile comes in. Local activities, one after the other,
 * would hold it open for seconds. Never cancelled: the timer is over before that could be told.
 */
export const breathe = (): Promise<void> => CancellationScope.nonCancellable(() => sleep(1));

/** A workflow that ends by its own rules only: a cancellation in Temporal is told to it, and does not tear it apart. */
export function byOwnRules<T>(work: () => Promise<T>, cancelled: () => void): Promise<T> {
  CancellationScope.current().cancelRequested.catch(cancelled);
  return CancellationScope.nonCancellable(work);
}
export const cancelledInTemporal = 'cancelled in Temporal';

const raise = (e: unknown): never => {
  const refusal = refusalOf(e);
  throw refusal ? refuse(refusal) : e;
};

/** setHandler, except that a refusal fails the update; thrown raw it would retry the workflow task for ever. */
function handle<R, A extends unknown[]>(update: UpdateDefinition<R, A>, run: (...args: A) => Promise<R>): void {
  setHandler(update, async (...args: A): Promise<R> => {
    try {
      return await run(...args);
    } catch (e) {
      return raise(e);
    }
  });
}

/** Answers an Update. What is under way is finished, also when somebody cancels the workflow. */
export const onUpdate = <R, A extends unknown[]>(
  update: UpdateDefinition<R, A>,
  run: (...args: NoInfer<A>) => Promise<R>,
): void => handle<R, A>(update, (...args) => CancellationScope.nonCancellable(() => run(...args)));

/** The same, in its turn, which nobody cancels either. */
export const onUpdateInTurn = <R, A extends unknown[]>(
  next: ReturnType<typeof inTurn>,
  update: UpdateDefinition<R, A>,
  run: (...args: NoInfer<A>) => Promise<R>,
): void => handle<R, A>(update, (...args) => next(() => run(...args)));

/** A text as a message brought it, without what no row can hold; null for anything else. */
export const textOf = (value: unknown, max = 2_000): string | null =>
  (typeof value === 'string' && value.replaceAll('\u0000', '').slice(0, max).toWellFormed()) || null;

/**
 * setHandler, for messages that anybody who reaches Temporal may have made: `read` believes nothing of their form, and
 * answers null for what is no message of ours, which is ignored. Thrown raw it would retry the workflow task for ever.
 */
export function onSignal<M>(
  signal: SignalDefinition<[M]>,
  read: (raw: Partial<Record<keyof M, unknown>>) => NoInfer<M> | null,
  run: (message: NoInfer<M>) => Promise<void> | void,
): void {
  setHandler(signal, (raw: unknown) => {
    const message = typeof raw === 'object' && raw !== null ? read(raw) : read({});
    return message === null ? undefined : run(message);
  });
}

/**
 * Signals another workflow. One that has ended, or never was, needs no telling (its row says how), so that failure, and
 * only that, is no trouble. The type is the SDK's own, whatever the server. Answers whether it was heard.
 */
export async function tell<A extends unknown[]>(id: string, signal: SignalDefinition<A>, ...args: A): Promise<boolean> {
  try {
    await getExternalWorkflowHandle(id).signal(signal, ...args);
    return true;
  } catch (e) {
    if (!(e instanceof ApplicationFailure) || e.type !== 'ExternalWorkflowExecutionNotFound') throw e;
    return false;
  }
}

/** Of a child, as the API sets it for what it starts: a task that a dead worker held is another's after this long. */
export const workflowTaskTimeout = '4 seconds';

const keyword = (name: string) => defineSearchAttributeKey(name, 'KEYWORD');
const status = keyword('WhStatus');

/**
 * Search attributes, so that an operator finds a workflow by tenant, ticket or agent. Without a status where every move
 * would cost the server another record: of a gate, details and result say it.
 */
export const attributes = (
  kind: string,
  of: { tenantId: string; status: string | null; ticketId: string | null; agentId: string | null },
) => [
  { key: keyword('WhTenant'), value: of.tenantId },
  { key: keyword('WhKind'), value: kind },
  ...(of.status !== null ? [{ key: status, value: of.status }] : []),
  ...(of.ticketId ? [{ key: keyword('WhTicket'), value: of.ticketId }] : []),
  ...(of.agentId ? [{ key: keyword('WhAgent'), value: of.agentId }] : []),
];

/** What an operator sees in the Temporal UI. */
export function show(state: string, details: string): void {
  upsertSearchAttributes([{ key: status, value: state }]);
  setCurrentDetails(details);
}

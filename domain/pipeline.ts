import { Conflict } from './errors';
import { cut } from './evidence';
import type { Actor } from './principal';
import type { TaskPriority } from './task-order';

export const pipelineStatuses = ['queued', 'running', 'completed', 'failed', 'cancelled'] as const;
export type PipelineStatus = (typeof pipelineStatuses)[number];
export const stepStatuses = ['pending', 'running', 'completed', 'failed', 'cancelled', 'skipped'] as const;
export type StepStatus = (typeof stepStatuses)[number];

/** One step as it is asked for. */
export interface StepPlan {
  name: string;
  prompt: string;
  /** Steps go by it; those that share one go on together. */
  order: number;
  /** Which agent carries it out, by name; null: the one that investigates. */
  agent: string | null;
  /** How often it is tried again after a failure. */
  retries: number;
  /** Of one try; null: as long as it takes. */
  timeoutSeconds: number | null;
  /** A task of any agent of a kind, tried as often and for as long as that agent has it; unset: it is told in words. */
  task?: StepTask | undefined;
}
export interface StepTask {
  agentType: string;
  payload: Record<string, unknown>;
  /** Null: as the agent's configuration says. */
  retries: number | null;
  timeoutSeconds: number | null;
}
export interface PipelineStep extends StepPlan {
  status: StepStatus;
  attempts: number;
  /** The runs that carried it out, one a try. */
  runIds: string[];
  result: string | null;
  error: string | null;
}

export interface Pipeline {
  id: string;
  tenantId: string;
  /** The integer that the doors know; the database gives it, 0 until then. */
  number: number;
  name: string;
  blueprintId: string | null;
  blueprintVersion: number | null;
  /** Whose steps they are, where people wrote them down for agents of a kind. */
  definitionId: string | null;
  /** What whoever started it gave to all steps. */
  parameters: Record<string, unknown> | null;
  priority: TaskPriority | null;
  /** What its steps work on; null until it is opened, where it gets one of its own. */
  ticketId: string | null;
  /** `reported`: somebody does the work and says how it went. */
  carriedOutBy: 'runs' | 'reported';
  /** The run that reports. */
  runId: string | null;
  status: PipelineStatus;
  steps: PipelineStep[];
  /** What its runs may do at most. */
  scopes: string[];
  startedBy: Actor;
  result: string | null;
  error: string | null;
  createdAt: string;
  startedAt: string | null;
  finishedAt: string | null;
  version: number;
}

export type PipelineEvent =
  | { type: 'start' }
  | { type: 'try'; step: number; runId: string }
  | { type: 'step_end'; step: number; status: 'completed' | 'failed'; text: string }
  /** Completed without a text: what came of its steps. */
  | { type: 'end'; status: 'completed'; text: string | null; by: Actor }
  | { type: 'end'; status: 'failed' | 'cancelled'; text: string; by: Actor };

/** What its workflow goes by. The texts are in the row alone: each move would bring all of them into the history. */
export interface Moved {
  number: number;
  ticketId: string | null;
  status: PipelineStatus;
  version: number;
  /** Those of the steps that it moved, by their place. */
  steps: { step: number; to: StepState }[];
}
export type StepState = Pick<PipelineStep, 'status' | 'attempts' | 'runIds'>;

export function moved(p: Pipeline, event: PipelineEvent | null): Moved {
  const { number, ticketId, status, version } = p;
  const which = event?.type === 'end' ? p.steps.map((_, i) => i) : event && 'step' in event ? [event.step] : [];
  const steps = which.flatMap((step) => {
    const s = p.steps[step];
    return s ? [{ step, to: { status: s.status, attempts: s.attempts, runIds: s.runIds } }] : [];
  });
  return { number, ticketId, status, version, steps };
}

export const isOver = (p: Pick<Pipeline, 'status'>): boolean => p.status !== 'queued' && p.status !== 'running';

type OfDefinition = 'definitionId' | 'parameters' | 'priority';
type Draft = Omit<
  Pipeline,
  OfDefinition | 'number' | 'status' | 'steps' | 'result' | 'error' | 'startedAt' | 'finishedAt' | 'version'
> & Partial<Pick<Pipeline, OfDefinition>>; // prettier-ignore

export const newPipeline = (draft: Draft, plan: readonly StepPlan[]): Pipeline => ({
  definitionId: null,
  parameters: null,
  priority: null,
  ...draft,
  number: 0,
  status: 'queued',
  steps: plan.map((s) => ({ ...s, status: 'pending', attempts: 0, runIds: [], result: null, error: null })),
  result: null,
  error: null,
  startedAt: null,
  finishedAt: null,
  version: 1,
});

const left = (s: PipelineStep): PipelineStep =>
  s.status === 'pending'
    ? { ...s, status: 'skipped' }
    : s.status === 'running'
      ? { ...s, status: 'cancelled', error: 'the pipeline ended' }
      : s;

const withStep = (p: Pipeline, at: number, change: (s: PipelineStep) => PipelineStep): PipelineStep[] =>
  p.steps.map((s, i) => (i === at ? change(s) : s));

/** Of a step's result, and of the pipeline's; the step's run has all of it. */
const longest = { step: 4_000, pipeline: 20_000 };

/** The only way a pipeline changes state: what is over stays over. @throws Conflict naming the state that stands */
export function step(p: Pipeline, event: PipelineEvent, at: string): Pipeline {
  if (isOver(p)) throw new Conflict(`the run is already ${p.status}`, { status: p.status });
  const next = { ...p, version: p.version + 1 };
  switch (event.type) {
    case 'start':
      return { ...next, status: 'running', startedAt: at };
    case 'try':
      return {
        ...next,
        steps: withStep(p, event.step, (s) => ({
          ...s,
          status: 'running',
          attempts: s.attempts + 1,
          runIds: [...s.runIds, event.runId],
        })),
      };
    case 'step_end': {
      const { status } = event;
      const text = cut(event.text, longest.step);
      const told = status === 'completed' ? { result: text, error: null } : { error: text };
      return { ...next, steps: withStep(p, event.step, (s) => ({ ...s, status, ...told })) };
    }
    case 'end': {
      const { status } = event;
      const text = cut(event.text ?? outcomeText(p.steps), longest.pipeline);
      const told = status === 'completed' ? { result: text } : { error: text };
      return { ...next, ...told, status, startedAt: p.startedAt ?? at, finishedAt: at, steps: p.steps.map(left) };
    }
  }
}

/** The steps by their order: places in the list, those that go on together in one group. */
export function groupsOf(steps: readonly Pick<StepPlan, 'order'>[]): number[][] {
  const orders = [...new Set(steps.map((s) => s.order))].sort((a, b) => a - b);
  return orders.map((order) => steps.flatMap((s, i) => (s.order === order ? [i] : [])));
}

/** What came of its steps, as a text. */
export const outcomeText = (steps: readonly PipelineStep[]): string =>
  steps
    .map((s) => `${s.name}: ${s.result ?? s.error ?? s.status}`)
    .join('\n')
    .slice(0, longest.pipeline)
    .toWellFormed();

const most = 50;
const shortest = { agent: null, retries: 0, timeoutSeconds: null };

/** The steps that a text numbers, one after the other; a text that numbers none is one step. */
export function stepsIn(name: string, text: string): StepPlan[] {
  const numbered = [...text.matchAll(/^ {0,3}\d{1,3}[.)]\s+(.+(?:\n(?! {0,3}(?:\d{1,3}[.)]\s|#|$)).+)*)/gm)];
  const told = numbered.length ? numbered.map(([, step = '']) => step.trim()) : [text.trim() || name];
  return told.slice(0, most).map((prompt, i) => {
    const first = prompt.split('\n')[0] ?? prompt;
    return { name: numbered.length ? first.slice(0, 120).toWellFormed() : name, prompt, order: i + 1, ...shortest };
  });
}

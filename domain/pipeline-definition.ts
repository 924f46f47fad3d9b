import type { StepPlan } from './pipeline';

export const definitionStatuses = ['active', 'inactive'] as const;

/** A step as people wrote it down. */
export interface DefinedStep {
  name: string;
  agent_type: string;
  order: number;
  /** Beside what is given to all steps when it is carried out. */
  payload?: Record<string, unknown> | undefined;
  /** Unset: as the configuration of the agent says. */
  retry_attempts?: number | undefined;
  /** Seconds of work of each attempt; unset: as the configuration of the agent says. */
  timeout?: number | undefined;
}

/** As a pipeline carries them out: those that share an order together. */
export const plannedSteps = (steps: readonly DefinedStep[]): StepPlan[] =>
  steps.map((s) => ({
    name: s.name,
    prompt: '',
    order: s.order,
    agent: null,
    retries: 0,
    timeoutSeconds: null,
    task: {
      agentType: s.agent_type,
      payload: s.payload ?? {},
      retries: s.retry_attempts ?? null,
      timeoutSeconds: s.timeout ?? null,
    },
  }));

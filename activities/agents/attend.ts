import { harnessFailed } from './ask';
import type { Counted, StepInput } from './steps';

/** Staying with a command that works on a task. */
export const attendActivities = () => ({
  /** @throws HarnessFailed: no harness here runs a command */
  attend: (input: StepInput): Promise<Counted> => {
    throw harnessFailed(`no command runs here that run ${input.runId} could be attended at`);
  },
});

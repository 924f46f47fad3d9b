import { runs } from '../../db/runs';
import type { Counted as CountedStep } from '../../db/executions';
import { NotFound } from '../../domain/errors';
import type { Harness, Move } from '../../domain/harness';
import type { Run } from '../../domain/run';
import type { Call, Execution } from '../../pipeline/call';
import type { Deps } from '../deps';
import { agentActor } from '../lifecycle/runs';
import { ask, harnessOf } from './ask';
import { situationOfRun, type Situation } from './brief';

export interface RunRef {
  tenantId: string;
  runId: string;
}
export interface StepInput extends RunRef {
  step: number;
}
/** How far the run is, as its row has it. */
export type Counted = Pick<Run, 'steps' | 'progress'>;

export type CallMove = Extract<Move, { kind: 'call' }>;

/** What all activities of a run share: to look at it, to ask its harness, to carry a call of it out. */
export const stepsOf = (
  { store, pipeline }: Pick<Deps, 'store' | 'pipeline'>,
  harnesses: ReadonlyMap<string, Harness>,
) => {
  const callOf = (
    s: Pick<Situation, 'run' | 'step'>,
    move: Pick<CallMove, 'tool' | 'args'> & { why: string | null },
    gateId: string | null,
  ): Call => ({
    tenantId: s.run.tenantId,
    actor: agentActor(s.run),
    scopes: s.run.scopes,
    agentId: s.run.agentId,
    owner: { kind: 'run', id: s.run.id, step: s.step },
    ticketId: s.run.ticketId,
    tool: move.tool,
    args: move.args,
    why: move.why,
    gateId,
  });

  /** `counted` is null when another attempt had recorded the step, or the run has ended. */
  const carryOn = async (
    call: Call,
    signal: AbortSignal,
  ): Promise<{ done: Execution; counted: CountedStep | null }> => {
    let counted: CountedStep | null = null;
    const done = await pipeline.execute(call, { signal, onCounted: (c) => (counted = c) });
    return { done, counted };
  };
  const execute = async (call: Call, signal: AbortSignal): Promise<Execution> => (await carryOn(call, signal)).done;

  const look = (input: RunRef): Promise<Situation> =>
    store.read(input.tenantId, (tx) => situationOfRun(tx, input.runId));

  const counted = async (input: RunRef): Promise<Counted> => {
    const run = await store.read(input.tenantId, (tx) => runs.byId(tx, input.runId));
    if (!run) throw new NotFound(`no run ${input.runId}`);
    return { steps: run.steps, progress: run.progress };
  };

  const harness = (run: Run): Harness => harnessOf(harnesses, run.harness);
  /** The proposal itself is the kernel's business: most harnesses are asked what they would do without it. */
  const nextMove = ({ run, brief, observations, turns }: Situation): Move => {
    const h = harness(run);
    return ask(
      h,
      brief,
      h.hearsOfProposals ? observations : observations.filter((o) => o.tool !== 'site.publish'),
      turns,
    );
  };

  return { callOf, carryOn, execute, look, counted, harness, nextMove };
};
export type Steps = ReturnType<typeof stepsOf>;

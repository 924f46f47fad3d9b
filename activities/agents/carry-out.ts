import { executionAt } from '../../db/executions';
import { gates } from '../../db/gates';
import type { Actor } from '../../domain/principal';
import { signAssertion } from '../../log/assertion';
import { wasCarriedOut } from '../../pipeline/run';
import type { Deps } from '../deps';
import { heartbeating } from '../heartbeating';
import { agentActor } from '../lifecycle/runs';
import { situationOfRun } from './brief';
import type { Counted, StepInput, Steps } from './steps';
import type { Proposal } from './wishes';

export interface CarriedOut extends Counted {
  result: string;
  by: Actor;
  /** The worker's signed word that it is done; null when the pipeline refused, for `result` says why. */
  proof: string | null;
}

export const carryOutActivities = (
  { store, keyring }: Pick<Deps, 'store' | 'keyring'>,
  { callOf, counted, execute, look, nextMove }: Steps,
) => {
  return {
    /** One tool call that is too slow for a local activity. */
    runSlowStep: (input: StepInput): Promise<Counted> =>
      heartbeating(async (signal) => {
        const s = await look(input);
        const move = nextMove(s);
        // An earlier attempt did it and its answer was lost, or the step is no longer wanted.
        if (s.step === input.step && move.kind === 'call') await execute(callOf(s, move, null), signal);
        return counted(input);
      }),

    /** What was approved, exactly: the escalated call again, now with its approval. The proof lets the agent complete the gate. */
    carryOut: (input: StepInput & { proposal: Proposal; gateId: string }): Promise<CarriedOut> =>
      heartbeating(async (signal) => {
        const { s, escalated, gate } = await store.read(input.tenantId, async (tx) => ({
          s: await situationOfRun(tx, input.runId),
          escalated: await executionAt(tx, input.runId, input.proposal.step),
          gate: await gates.byId(tx, input.gateId),
        }));
        if (!escalated || !gate)
          throw new Error(`nothing proposed at step ${input.proposal.step} of run ${input.runId}`);
        const at = { ...s, step: input.step };
        const done = await execute(
          callOf(at, { tool: escalated.tool, args: escalated.args, why: 'approved' }, input.gateId),
          signal,
        );
        const by = agentActor(s.run);
        const count = await counted(input);
        if (!wasCarriedOut(done)) {
          return {
            ...count,
            proof: null,
            by,
            result: `not carried out (${done.decision}): ${done.reasons.map((r) => r.message).join('; ')}`,
          };
        }
        const proof = signAssertion(keyring, {
          by, tenantId: input.tenantId, gateId: gate.id, verdict: 'complete', digest: gate.digest,
        }); // prettier-ignore
        const { url } = done.result as { url?: string };
        return { ...count, result: url === undefined ? 'carried out' : `published at ${url}`, by, proof };
      }),
  };
};

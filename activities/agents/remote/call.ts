import { gates } from '../../../db/gates';
import { callById, placeCall, sealCall } from '../../../db/run-calls';
import { runs } from '../../../db/runs';
import { NotFound } from '../../../domain/errors';
import type { Actor } from '../../../domain/principal';
import { signAssertion } from '../../../log/assertion';
import { wasCarriedOut } from '../../../pipeline/run';
import type { Deps } from '../../deps';
import { heartbeating } from '../../heartbeating';
import { agentActor } from '../../lifecycle/runs';
import type { Counted, StepInput, Steps } from '../steps';

export interface Called extends Counted {
  /** A change that this call carried out as it was approved: it is completed with it. */
  done: { gateId: string; completion: { id: string; by: Actor; result: string; proof: string; correlationId: null } } | null;
} // prettier-ignore

export const callActivities = (
  { store, pipeline, keyring }: Pick<Deps, 'store' | 'pipeline' | 'keyring'>,
  { callOf, counted, execute }: Pick<Steps, 'callOf' | 'counted' | 'execute'>,
) => ({
  /** One tool call that an agent elsewhere asked for: once, at the step that it got first, whoever tries. */
  runCall: (input: StepInput & { callId: string }): Promise<Called> =>
    heartbeating(async (signal) => {
      const { tenantId, runId, callId } = input;
      const { run, asked, step, gate } = await store.write(tenantId, async (tx) => {
        const asked = await callById(tx, callId);
        const run = await runs.byId(tx, runId);
        if (asked?.runId !== runId || !run) throw new NotFound(`no call ${callId} of run ${runId}`);
        const gate = asked.gateId === null ? null : await gates.byId(tx, asked.gateId);
        return { run, asked, gate, step: await placeCall(tx, asked, input.step) };
      });
      const call = callOf({ run, step }, asked, asked.gateId);
      const came = await execute(call, signal);
      if (came.decision === 'escalate') {
        const seal = (await pipeline.sealed(call)).digest;
        await store.write(tenantId, (tx) => sealCall(tx, callId, seal));
      }
      const count = await counted(input);
      if (!gate || !wasCarriedOut(came)) return { ...count, done: null };
      const by = agentActor(run);
      const proof = signAssertion(keyring, { by, tenantId, gateId: gate.id, verdict: 'complete', digest: gate.digest });
      const completion = { id: `called:${callId}`, by, result: `${asked.tool} was called at step ${step}`, proof, correlationId: null }; // prettier-ignore
      return { ...count, done: { gateId: gate.id, completion } };
    }),
});

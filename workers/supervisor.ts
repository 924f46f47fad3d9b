import { WorkflowNotFoundError, type WorkflowClient } from '@temporalio/client';
import { gates } from '../db/gates';
import { runs } from '../db/runs';
import type { Actor } from '../domain/principal';
import { signAssertion } from '../log/assertion';
import type { Keyring } from '../log/keys';
import type { Store } from '../log/store';
import { carriedOut } from '../workflows/approval-gate';
import { workflowId } from '../workflows/ids';
import { oneByOne, type Reader } from './reader';

const sendMs = 5_000;

/**
 * What an agent asked for, and people approved, is completed with the agent's task, unless its policy wants people to say so:
 * `auto_complete` false, or `manual_completion_required`. Access is never: its completion grants a lease.
 */
export const supervisor = (temporal: WorkflowClient, store: Store, keyring: Keyring, signal: AbortSignal): Reader => ({
  name: 'supervisor',
  kinds: ['run.finished'],
  often: {
    pollMs: 1_000,
    longestWaitMs: 30_000,
    trouble: 'changes of agents that have finished could not be completed; it is tried again',
  },
  take: oneByOne(signal, async (tenantId, { subjectId: runId }) => {
    const { run, approved } = await store.read(tenantId, async (tx) => ({
      run: await runs.byId(tx, runId),
      approved: await gates.list(
        tx,
        `where run_id = $1 and status = 'approved' and access_request_id is null
           and approval_policy ->> 'auto_complete' is distinct from 'false'
           and approval_policy ->> 'manual_completion_required' is distinct from 'true'`,
        [runId],
      ),
    }));
    if (!run) return;
    const by: Actor = { id: run.agentId, kind: 'agent', name: 'agent-supervisor' };
    for (const gate of approved) {
      const proof = signAssertion(keyring, { by, tenantId, gateId: gate.id, verdict: 'complete', digest: gate.digest });
      const said = {
        id: `supervisor:${runId}`,
        by,
        result: run.result ?? 'the agent has finished',
        proof,
        correlationId: null,
      };
      try {
        await temporal.withDeadline(Date.now() + sendMs, () =>
          temporal.getHandle(workflowId('approvalGate', tenantId, gate.id)).signal(carriedOut, said),
        );
      } catch (e) {
        if (!(e instanceof WorkflowNotFoundError)) throw e; // it has ended, and its row says how
      }
    }
  }),
});

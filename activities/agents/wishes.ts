import { v5 } from 'uuid';
import { executionAt } from '../../db/executions';
import { isTenant } from '../../db/provider-states';
import { enabledRaciRules } from '../../db/raci';
import { gateOfAccess, newAccess, type AccessRequest } from '../../domain/access';
import { newGate, type Gate } from '../../domain/gate';
import type { Move } from '../../domain/harness';
import { accessOwner } from '../../domain/raci';
import type { Execution } from '../../pipeline/call';
import type { Deps } from '../deps';
import { agentActor } from '../lifecycle/runs';
import type { Situation } from './brief';
import type { Steps } from './steps';

/** What people are asked to approve. The arguments stay in the ledger, at the step where the pipeline escalated. */
export interface Proposal {
  action: string;
  target: string;
  reason: string;
  /** The step whose call was escalated: what is approved is that call. */
  step: number;
  digest: string;
}
export type Wish =
  | { kind: 'request_access'; access: AccessRequest; gate: Gate }
  | { kind: 'propose'; proposal: Proposal }
  | { kind: 'finish'; summary: string };

type ProposeMove = Extract<Move, { kind: 'propose' }>;

/** What an agent wants of people: that they let it do something, or see something. */
export const wishesOf = (
  deps: Pick<Deps, 'store' | 'pipeline' | 'gateTtlMs' | 'provided'>,
  { callOf, execute, harness }: Steps,
) => {
  const { store, pipeline, provided } = deps;

  /** The escalated call: carried out against the pipeline, or found where it was escalated before. */
  const escalate = async (s: Situation, move: ProposeMove, signal: AbortSignal): Promise<Execution> => {
    const { at } = move;
    const found = at === undefined ? null : await store.read(s.run.tenantId, (tx) => executionAt(tx, s.run.id, at));
    return found ?? execute(callOf(s, { tool: move.tool, args: move.args, why: move.reason }, null), signal);
  };

  return {
    /** What people are asked about. Null: the pipeline did not escalate it, and the agent is to hear of that. */
    propose: async (s: Situation, move: ProposeMove, signal: AbortSignal): Promise<Wish | null> => {
      const execution = await escalate(s, move, signal);
      if (execution.decision !== 'escalate') {
        if (harness(s.run).hearsOfProposals) return null;
        const why = execution.reasons.map((r) => r.message).join('; ');
        return { kind: 'finish', summary: `not published: the proposal was refused (${execution.decision}): ${why}` };
      }
      const { action, target, reason } = move;
      const digest = (
        await pipeline.sealed(callOf(s, { tool: execution.tool, args: execution.args, why: reason }, null))
      ).digest;
      return { kind: 'propose', proposal: { action, target, reason, step: execution.step, digest } };
    },

    /** Its owning group, and where the group's ticket is kept, are those of anybody who asks. */
    requestAccess: async (s: Situation, move: Extract<Move, { kind: 'request_access' }>): Promise<Wish> => {
      const id = v5(`access:${move.system}`, s.run.id);
      const requester = agentActor(s.run);
      const { resource, permission, reason } = move;
      const { rules, syncProvider } = await store.read(s.run.tenantId, async (tx) => ({
        rules: await enabledRaciRules(tx),
        syncProvider: provided?.active && (await isTenant(tx, provided.tenant)) ? provided.provider.name : null,
      }));
      const access = newAccess(
        {
          id,
          tenantId: s.run.tenantId,
          ticketId: s.run.ticketId,
          accessTicketId: v5('ticket', id),
          runId: s.run.id,
          agentId: s.run.agentId,
          gateId: v5('gate', id),
          resource,
          permission,
          accountRef: requester.name,
          reason,
          ...accessOwner(rules, { resource, permission, reason, group: null, requester: requester.name }),
          syncProvider,
          riskLevel: 'medium',
          lease: move.lease,
          requester,
          label: null,
          onBehalfOf: s.run.spawnedBy,
        },
        new Date().toISOString(),
      );
      return { kind: 'request_access', access, gate: newGate(gateOfAccess(access), access.createdAt, deps.gateTtlMs) };
    },
  };
};

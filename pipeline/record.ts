import { v7 } from 'uuid';
import { insertExecutions, type Counted, type OwnerKind, type PolicyRecord } from '../db/executions';
import type { Write } from '../db/tx';
import type { NewEntry } from '../domain/log';
import { progressAt } from '../domain/run';
import { digestOf } from '../log/canonical';
import type { Store } from '../log/store';
import { passes, type Call, type Execution } from './call';
import { grouped } from './grouped';

/** What a call came to. */
export type Outcome = Pick<
  Execution,
  'decision' | 'risk' | 'findings' | 'reasons' | 'stages' | 'error' | 'result' | 'assessment'
> & {
  /** Left out, or null: it never came to the policies. */
  policy?: PolicyRecord | null;
};

/** A call that was carried out or refused, to be written down. */
export interface Done {
  call: Call;
  execution: Execution;
  policy: PolicyRecord | null;
}
export interface RecordedStep {
  execution: Execution;
  /** How far the run is with it; null when it has ended, or the owner is none. */
  counted: Counted | null;
}

export function doneOf(call: Call, startedAt: number, { policy = null, ...outcome }: Outcome): Done {
  const result = outcome.result ?? null;
  return {
    call,
    policy,
    execution: {
      id: v7(),
      step: call.owner.step,
      tool: call.tool,
      args: call.args,
      argsDigest: digestOf(call.args),
      why: call.why,
      ...outcome,
      result,
      resultDigest: result === null ? null : digestOf(result),
      startedAt: new Date(startedAt).toISOString(),
      durationMs: outcome.stages.reduce((sum, s) => sum + s.ms, 0),
    },
  };
}

/** What people approved beforehand says so. */
const decisionOf = ({ call, execution: { decision } }: Pick<Done, 'call' | 'execution'>): string =>
  call.owner.kind === 'request' && call.gateId !== null && passes(decision) ? 'allow_approved' : decision;

const entryOf = ({ call, execution: e }: Done): NewEntry => ({
  id: e.id,
  kind: `execution.${e.decision}`,
  actor: call.actor,
  subject: { kind: 'execution', id: `${call.owner.id}:${call.owner.step}` },
  ticketId: call.ticketId,
  runId: call.owner.kind === 'run' ? call.owner.id : null,
  agentId: call.agentId,
  tool: call.tool,
  decision: decisionOf({ call, execution: e }),
  reason: e.reasons[0]?.code ?? e.error,
  requestId: call.requestId ?? `${call.owner.id}:${call.owner.step}`,
  receipt: true,
  body: {
    step: call.owner.step,
    why: call.why,
    args_digest: e.argsDigest,
    result_digest: e.resultDigest,
    risk_score: e.risk,
    findings: e.findings,
    reasons: e.reasons,
    gate_id: call.gateId,
    ...(e.assessment && {
      inherent_risk: e.assessment.riskScore,
      confidence: e.assessment.confidence,
      signals: e.assessment.signals,
      policy_id: e.assessment.policyId,
      policy_version: e.assessment.policyVersion,
      mitre: e.assessment.technique === null ? {} : { technique: e.assessment.technique },
    }),
  },
});

/** Row, count, log entry and receipt of each, in the caller's transaction. Null for a step that is taken, which says nothing. */
export async function recordIn(
  tx: Write,
  kind: OwnerKind,
  done: readonly Done[],
): Promise<readonly (RecordedStep | null)[]> {
  const recorded = await insertExecutions(
    tx,
    kind,
    done.map(({ call, execution, policy }) => ({
      of: { ownerId: call.owner.id, agentId: call.agentId, ticketId: call.ticketId },
      execution,
      policy,
      progress: progressAt(call.owner.step),
    })),
  );
  done.forEach((d, i) => void (recorded[i] && tx.log(entryOf(d))));
  return recorded;
}

/**
 * Writes down what is done at the same time in one transaction: the tenant's log has one place for its next entry, and each
 * transaction that waits for it costs a commit. Two runs of a ticket never go together: who holds the runs of a ticket and
 * who counts a step of each could wait for each other.
 */
export function createRecorder(store: Store): (done: Done) => Promise<RecordedStep | null> {
  const groups = new Map<string, (done: Done) => Promise<RecordedStep | null>>();
  return (done) => {
    const { tenantId, owner } = done.call;
    const key = `${owner.kind}:${tenantId}`;
    const record =
      groups.get(key) ??
      grouped((all: readonly Done[]) => store.write(tenantId, (tx) => recordIn(tx, owner.kind, all)), {
        keysOf: ({ call }) => [call.owner.id, call.ticketId],
        most: 32,
        atOnce: 2,
      });
    groups.set(key, record);
    return record(done);
  };
}

import { Conflict } from './errors';
import type { Actor } from './principal';
import type { GateRule } from './quorum';

// Types and transitions only: workflows bundle this file, and zod in a workflow bundle costs a tenth of its throughput.
export const gateStatuses = ['pending', 'approved', 'rejected', 'completed', 'expired'] as const;
export type GateStatus = (typeof gateStatuses)[number];

export const verdicts = ['approve', 'reject'] as const;
export type Verdict = (typeof verdicts)[number];

export const riskLevels = ['low', 'medium', 'high', 'critical', 'unknown'] as const;
export type RiskLevel = (typeof riskLevels)[number];

export interface Gate {
  id: string;
  tenantId: string;
  /** The integer that people and the HTTP doors use; the database gives it, 0 until then. */
  number: number;
  ticketId: string | null;
  runId: string | null;
  agentId: string | null;
  /** The access request that this gate decides. */
  accessRequestId: string | null;
  action: string;
  target: string;
  reason: string | null;
  command: string | null;
  riskLevel: RiskLevel;
  approvalPolicy: Record<string, unknown>;
  /** sha256 of tool, canonical arguments, target and policy version: an approval is good for exactly this. */
  digest: string | null;
  status: GateStatus;
  requestedBy: Actor;
  /** The caller who asked on behalf of the agent, or who set the run going. */
  onBehalfOf: Actor | null;
  requestedAt: string;
  expiresAt: string;
  decidedBy: Actor | null;
  /** What the caller called the decider: a label, never proof. */
  decidedLabel: string | null;
  decidedAt: string | null;
  decisionReason: string | null;
  completedBy: Actor | null;
  completedAt: string | null;
  result: string | null;
  /** By whom it is decided, as of the request; null: whoever may approve, one of them. */
  rule: GateRule | null;
  /** Grows by one with every move; a projection never goes back to a lower one. */
  version: number;
}

export type GateEvent =
  | { type: Verdict; by: Actor; label: string | null; reason: string | null }
  | { type: 'complete'; by: Actor; result: string }
  /** The deadline passed, or what waited for the gate is over. */
  | { type: 'expire'; by: Actor; reason: string };

/** What is told when a gate is asked for; everything else follows. */
export type GateRequest = Pick<
  Gate,
  'id' | 'tenantId' | 'ticketId' | 'runId' | 'agentId' | 'accessRequestId' | 'action' | 'target' | 'reason' | 'command'
  | 'riskLevel' | 'approvalPolicy' | 'digest' | 'requestedBy' | 'onBehalfOf'
>; // prettier-ignore

/** A gate as it begins, at `at`, open for `ttlMs`. */
export const newGate = (request: GateRequest & Partial<Pick<Gate, 'rule'>>, at: string, ttlMs: number): Gate => ({
  rule: null,
  ...request,
  number: 0,
  status: 'pending',
  requestedAt: at,
  expiresAt: new Date(Date.parse(at) + ttlMs).toISOString(),
  decidedBy: null,
  decidedLabel: null,
  decidedAt: null,
  decisionReason: null,
  completedBy: null,
  completedAt: null,
  result: null,
  version: 1,
});

const moves: Record<GateStatus, Partial<Record<GateEvent['type'], GateStatus>>> = {
  pending: { approve: 'approved', reject: 'rejected', expire: 'expired' },
  approved: { complete: 'completed', expire: 'expired' },
  rejected: {},
  completed: {},
  expired: {},
};

/** At which versions a gate can be in each state: it begins as the first, and every move is one more. */
const versionsOf = Object.fromEntries(gateStatuses.map((status) => [status, new Set<number>()])) as Record<
  GateStatus,
  Set<number>
>;
const walk = (status: GateStatus, version: number): void => {
  versionsOf[status].add(version);
  for (const next of Object.values(moves[status])) walk(next, version + 1);
};
walk('pending', 1);

/** Whether a gate can say this of itself. Who believed a version that no gate reaches would hear nothing that follows. */
export const canBe = (status: unknown, version: unknown): boolean =>
  gateStatuses.some((s) => s === status && versionsOf[s].has(version as number));

/** Nothing can change it any more. */
export const isSettled = (gate: Pick<Gate, 'status'>): boolean => Object.keys(moves[gate.status]).length === 0;

/**
 * The only way a gate changes state. An approval starts a second deadline as long as the first: what was approved must
 * be carried out before it, or the approval lapses.
 * @throws Conflict naming the state that stands and who decided.
 */
export function step(gate: Gate, event: GateEvent, at: string): Gate {
  const status = moves[gate.status][event.type];
  if (!status) {
    throw new Conflict(`cannot ${event.type} a change that is ${gate.status}`, {
      status: gate.status,
      approved_by: gate.decidedBy?.name ?? null,
      reason: gate.decisionReason,
    });
  }
  const next: Gate = { ...gate, status, version: gate.version + 1 };
  if (event.type === 'complete') return { ...next, completedBy: event.by, completedAt: at, result: event.result };
  if (event.type === 'expire') return { ...next, decisionReason: event.reason };
  const ttl = Date.parse(gate.expiresAt) - Date.parse(gate.requestedAt);
  return {
    ...next,
    decidedBy: event.by,
    decidedLabel: event.label,
    decidedAt: at,
    decisionReason: event.reason,
    expiresAt: event.type === 'approve' ? new Date(Date.parse(at) + ttl).toISOString() : gate.expiresAt,
  };
}

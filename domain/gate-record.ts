import type { Gate, GateEvent } from './gate';
import type { NewEntry } from './log';
import type { Actor } from './principal';

/** What moved a gate, as its note and its log entry tell it. */
export interface GateTransition {
  event: 'open' | GateEvent['type'];
  by: Actor;
  /** Id of the update, signal or timer that asked. */
  transition: string;
  proof: string | null;
  correlationId: string | null;
}

const kinds: Record<GateTransition['event'], string> = {
  open: 'gate.requested',
  approve: 'gate.approved',
  reject: 'gate.rejected',
  complete: 'gate.completed',
  expire: 'gate.expired',
};

const named = (g: Gate): string => `Change ${g.number} (${g.action} on ${g.target})`;

const tells = (g: Gate, t: GateTransition): string => {
  const what = named(g);
  if (t.event === 'open')
    return `${what} requested by ${t.by.name}: ${g.reason ?? 'no reason given'}. Risk ${g.riskLevel}.`;
  if (t.event === 'complete') return `${what} completed by ${t.by.name}: ${g.result}`;
  const why = g.decisionReason ? `: ${g.decisionReason}` : '';
  return `${what} ${g.status}${t.event === 'expire' ? '' : ` by ${t.by.name}`}${why}`;
};

/** A note on the gate's ticket, one a key; null without one. */
const written = (gate: Gate, by: Actor, key: string, body: string) =>
  gate.ticketId === null
    ? null
    : {
        ticketId: gate.ticketId,
        key: `${gate.id}:${key}`,
        source: 'approval-gate',
        author: by.name,
        actor: by,
        body,
        externalRef: `change:${gate.number}`,
      };

/** What is noted of a move. */
export const gateNote = (gate: Gate, t: GateTransition) => written(gate, t.by, String(gate.version), tells(gate, t));

/** What is noted of something that did not move it. */
export const noteOn = (gate: Gate, by: Actor, key: string, said: string) =>
  written(gate, by, key, `${named(gate)} ${said}`);

/** What every entry about a gate says. */
export const aboutGate = (
  gate: Gate,
  t: Pick<GateTransition, 'by' | 'transition'> & { correlationId?: string | null },
) => ({
  actor: t.by,
  subject: { kind: 'gate' as const, id: gate.id },
  transition: t.transition,
  ticketId: gate.ticketId,
  runId: gate.runId,
  agentId: gate.agentId,
  correlationId: t.correlationId ?? null,
});

// Names that scripted approvals carry, so that an audit can tell them from people's.
const scripted = /auto[-_]approver|test-auto|regression-auto|smoke-auto/;

/** `exception`: the one from four eyes that was used. */
export function gateEntry(gate: Gate, t: GateTransition, exception: 'agent_only' | null): NewEntry {
  const decided = t.event === 'approve' || t.event === 'reject';
  const auto = scripted.test(gate.decidedLabel ?? t.by.name);
  return {
    ...aboutGate(gate, t),
    kind: kinds[t.event],
    version: gate.version,
    decision: t.event === 'reject' ? 'deny' : 'allow',
    reason: gate.decisionReason ?? gate.reason,
    body: {
      change_id: gate.number,
      action: gate.action,
      target: gate.target,
      status: gate.status,
      digest: gate.digest,
      risk_level: gate.riskLevel,
      on_behalf_of: gate.onBehalfOf?.name ?? null,
      ...(decided && {
        approval_gate: true,
        approval_mode: auto ? 'demo_auto_approval' : 'manual_approval',
        auto_approved: auto,
        label: gate.decidedLabel,
      }),
      ...(exception && { four_eyes: exception }),
      ...(t.event === 'complete' && { result: gate.result }),
    },
  };
}

import { writeNote } from '../../db/notes';
import { gates } from '../../db/gates';
import { tenantPolicy, type TenantPolicy } from '../../db/policies';
import type { Read } from '../../db/tx';
import { DomainError, Forbidden } from '../../domain/errors';
import { fourEyes } from '../../domain/four-eyes';
import type { Gate, GateEvent } from '../../domain/gate';
import { sameActor, type Actor } from '../../domain/principal';
import { readAssertion } from '../../log/assertion';
import type { Deps } from '../deps';
import { refusedBefore, stands } from './record';

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

const noteOf = (g: Gate, t: GateTransition): string => {
  const what = `Change ${g.number} (${g.action} on ${g.target})`;
  if (t.event === 'open')
    return `${what} requested by ${t.by.name}: ${g.reason ?? 'no reason given'}. Risk ${g.riskLevel}.`;
  if (t.event === 'complete') return `${what} completed by ${t.by.name}: ${g.result}`;
  const why = g.decisionReason ? `: ${g.decisionReason}` : '';
  return `${what} ${g.status}${t.event === 'expire' ? '' : ` by ${t.by.name}`}${why}`;
};

// Names that scripted approvals carry, so that an audit can tell them from people's.
const scripted = /auto[-_]approver|test-auto|regression-auto|smoke-auto/;

export const gateActivities = ({ store, keyring }: Pick<Deps, 'store' | 'keyring'>) => {
  /** @throws Forbidden when the proof is another's, or nobody's where somebody must be proven. */
  const prove = async (gate: Gate, t: GateTransition, policy: TenantPolicy): Promise<void> => {
    if (t.event === 'open' || t.event === 'expire') return;
    if (t.proof === null) {
      if (!policy.operatorSignals)
        throw new Forbidden('decisions by Signal are switched off here', { reason: 'unproven' });
      if (t.by.id !== null || t.by.kind !== 'operator')
        throw new Forbidden('only an operator decides without proof', { reason: 'unproven' });
      return;
    }
    const said = await readAssertion(keyring, t.proof);
    const same =
      said !== null && said.tenantId === gate.tenantId && said.gateId === gate.id && said.verdict === t.event &&
      said.digest === gate.digest && sameActor(said.by, t.by); // prettier-ignore
    if (!same) throw new Forbidden('the proof of who decides does not fit this change', { reason: 'bad_proof' });
  };

  const entry = (gate: Gate, t: Pick<GateTransition, 'by' | 'transition'> & { correlationId?: string | null }) => ({
    actor: t.by,
    subject: { kind: 'gate' as const, id: gate.id },
    transition: t.transition,
    ticketId: gate.ticketId,
    runId: gate.runId,
    agentId: gate.agentId,
    correlationId: t.correlationId ?? null,
  });

  const writeRefusal = (gate: Gate, t: Pick<GateTransition, 'event' | 'by' | 'transition'>, reason: string) =>
    store.write(gate.tenantId, async (tx) => {
      if (await refusedBefore(tx, gate.id, t.transition)) return;
      tx.log({
        ...entry(gate, t),
        kind: 'gate.decision_refused',
        decision: 'deny',
        reason,
        body: { change_id: gate.number, event: t.event, status: gate.status },
      });
    });

  /** What a decision has to pass, and the exception from four eyes that it used. */
  const authorise = async (tx: Read, gate: Gate, t: GateTransition): Promise<'agent_only' | null> => {
    const policy = await tenantPolicy(tx);
    await prove(gate, t, policy);
    return t.event === 'approve' ? fourEyes(gate, t.by, policy.fourEyes) : null;
  };

  return {
    /** Row, note and log entry commit together or not at all, and the row decides. @throws Forbidden, written down first */
    async recordGate(next: Gate, t: GateTransition): Promise<{ gate: Gate; applied: boolean }> {
      try {
        return await store.write(next.tenantId, async (tx) => {
          const exception = await authorise(tx, next, t);
          const written = await (t.event === 'open' ? gates.insert(tx, next) : gates.move(tx, next));
          if (!written) {
            const row = await gates.byId(tx, next.id);
            if (!row) throw new Error(`no row for gate ${next.id}`);
            return { gate: row, applied: await stands(tx, next.id, next.version, t.transition) };
          }
          if (written.ticketId) {
            await writeNote(tx, {
              ticketId: written.ticketId,
              key: `${written.id}:${written.version}`,
              source: 'approval-gate',
              author: t.by.name,
              actor: t.by,
              body: noteOf(written, t),
              externalRef: `change:${written.number}`,
            });
          }
          const decided = t.event === 'approve' || t.event === 'reject';
          const auto = scripted.test(written.decidedLabel ?? t.by.name);
          tx.log({
            ...entry(written, t),
            kind: kinds[t.event],
            version: written.version,
            decision: t.event === 'reject' ? 'deny' : 'allow',
            reason: written.decisionReason ?? written.reason,
            body: {
              change_id: written.number,
              action: written.action,
              target: written.target,
              status: written.status,
              digest: written.digest,
              risk_level: written.riskLevel,
              on_behalf_of: written.onBehalfOf?.name ?? null,
              ...(decided && {
                approval_gate: true,
                approval_mode: auto ? 'demo_auto_approval' : 'manual_approval',
                auto_approved: auto,
                label: written.decidedLabel,
              }),
              ...(exception && { four_eyes: exception }),
              ...(t.event === 'complete' && { result: written.result }),
            },
          });
          return { gate: written, applied: true };
        });
      } catch (e) {
        if (e instanceof DomainError) await writeRefusal(next, t, e.message);
        throw e;
      }
    },

    /** A decision that could not be applied; a repeat of the same signal writes nothing. */
    recordGateRefusal: (
      gate: Gate,
      t: Pick<GateTransition, 'event' | 'by' | 'transition'>,
      reason: string,
    ): Promise<void> => writeRefusal(gate, t, reason),
  };
};

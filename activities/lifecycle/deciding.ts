import { gates } from '../../db/gates';
import type { TenantPolicy } from '../../db/policies';
import { Forbidden } from '../../domain/errors';
import type { Gate } from '../../domain/gate';
import { aboutGate, type GateTransition } from '../../domain/gate-record';
import { sameActor } from '../../domain/principal';
import { readAssertion } from '../../log/assertion';
import type { Deps } from '../deps';
import { writtenBefore } from './record';

// What every decision has to pass, and what is written down of one that does not.

/** @throws Forbidden when the proof is another's, or nobody's where somebody must be proven. */
export function prove(
  keyring: Deps['keyring'],
  gate: Gate,
  t: Pick<GateTransition, 'event' | 'by' | 'proof'>,
  policy: TenantPolicy,
): void {
  if (t.event === 'open' || t.event === 'expire') return;
  if (t.proof === null) {
    if (!policy.operatorSignals)
      throw new Forbidden('decisions by Signal are switched off here', { reason: 'unproven' });
    if (t.by.id !== null || t.by.kind !== 'operator')
      throw new Forbidden('only an operator decides without proof', { reason: 'unproven' });
    if (t.event === 'approve' && gate.digest !== null)
      throw new Forbidden('an approval that is sealed to a call is given by somebody proven', { reason: 'sealed' });
    if (t.event !== 'complete' && gate.rule)
      throw new Forbidden('who votes on a change has to be proven', { reason: 'unproven' });
    return;
  }
  const said = readAssertion(keyring, t.proof);
  const same =
    said !== null && said.tenantId === gate.tenantId && said.gateId === gate.id && said.verdict === t.event &&
    said.digest === gate.digest && sameActor(said.by, t.by); // prettier-ignore
  if (!same) throw new Forbidden('the proof of who decides does not fit this change', { reason: 'bad_proof' });
}

/** Once a transition. */
export const writeRefusal = (
  store: Deps['store'],
  gate: Gate,
  t: Pick<GateTransition, 'event' | 'by' | 'transition'>,
  reason: string,
): Promise<void> =>
  store.write(gate.tenantId, async (tx) => {
    if (await writtenBefore(tx, gate.id, t.transition)) return;
    const row = await gates.byId(tx, gate.id); // `gate` may be what was refused to it
    tx.log({
      ...aboutGate(gate, t),
      kind: 'gate.decision_refused',
      decision: 'deny',
      reason,
      body: { change_id: gate.number, event: t.event, status: (row ?? gate).status },
    });
  });

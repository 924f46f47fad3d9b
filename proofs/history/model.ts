/**
 * What a gate may do, said once more and independently of the code that is judged: pending → one terminal, an approval on
 * the way or not. Nothing here is imported from the product.
 */
export type Status = 'pending' | 'approved' | 'rejected' | 'completed' | 'expired';

export type Act =
  | 'approve'
  | 'reject'
  | 'complete'
  /** What waited for it is over: withdrawn by Signal, cancelled in Temporal. */
  | 'withdraw'
  /** The time to decide is over. */
  | 'deadline'
  /** The time to carry out what `of` approved is over. */
  | 'lapse'
  | 'read';

export type Outcome =
  /** It took effect; of a read: `status` was seen. */
  | 'ok'
  /** Nothing changed: what was asked for stood. */
  | 'already'
  /** The state did not allow it: `status` is what was said to stand, when it was said. */
  | 'refused'
  /** The caller was not allowed to: no effect, whatever stood. */
  | 'denied'
  /** No answer: it took effect at any time after the call, or never. */
  | 'unknown';

export interface Operation {
  caller: string;
  act: Act;
  /** Milliseconds of one clock. An unknown one has not returned: Infinity. */
  call: number;
  returned: number;
  outcome: Outcome;
  status: Status | null;
  /** Of a lapse: the index of the approval whose time it ends. */
  of?: number;
}

export interface State {
  status: Status;
  /** Index of the approval that stands or stood. */
  approvedBy: number | null;
}

export const initial: State = { status: 'pending', approvedBy: null };

/** What the act makes of the state; null where it changes nothing because the state does not allow it. */
function effect(state: State, op: Operation, index: number): State | null {
  const { status } = state;
  if (op.act === 'approve') return status === 'pending' ? { status: 'approved', approvedBy: index } : null;
  if (op.act === 'reject') return status === 'pending' ? { ...state, status: 'rejected' } : null;
  if (op.act === 'complete') return status === 'approved' ? { ...state, status: 'completed' } : null;
  if (op.act === 'deadline') return status === 'pending' ? { ...state, status: 'expired' } : null;
  if (op.act === 'lapse')
    return status === 'approved' && state.approvedBy === op.of ? { ...state, status: 'expired' } : null;
  if (op.act === 'withdraw')
    return status === 'pending' || status === 'approved' ? { ...state, status: 'expired' } : null;
  return null;
}

/** The state after the operation, had it taken its turn at this point; null when what was answered is impossible there. */
export function after(state: State, op: Operation, index: number): State | null {
  if (op.act === 'read') return op.outcome !== 'ok' || op.status === state.status ? state : null;
  switch (op.outcome) {
    case 'ok':
    case 'unknown':
      return effect(state, op, index);
    case 'already':
      return op.act === 'approve' && state.status === 'approved' ? state : null;
    case 'refused': {
      const said = op.status === null || op.status === state.status;
      // A repeated approval is answered `already`, never refused.
      const allowed = effect(state, op, index) !== null || (op.act === 'approve' && state.status === 'approved');
      return said && !allowed ? state : null;
    }
    case 'denied':
      return state;
  }
}

import { canBe, type Gate } from '../domain/gate';
import { onSignal, textOf } from './kit';
import { gateMoved } from './messages';

/** What a workflow was told of the gate that it waits for. */
export interface Told {
  /** The latest of it; null before the gate has said anything. */
  standing(): Gate | null;
  /** How many moves of other gates were told. */
  others(): number;
  /** People have decided, as it is told. */
  decided(): Gate | null;
  /** The row says otherwise. What was told since then stands until it is looked at as well. */
  correct(told: Gate, otherwise: { gate: Gate | null }): void;
}

/**
 * Hears of the moves of a gate, and that another one moved. Whoever reaches Temporal may tell of one: so what follows from it is recorded with what was
 * told, and the row of the gate decides whether it is so (`otherwise` in activities/lifecycle/record.ts).
 */
export function hearGate(id: () => string | null): Told {
  /** By version: of a forged one and a true one, neither hides the other. */
  const told = new Map<number, Gate>();
  let others = 0;
  const standing = (): Gate | null => told.get(Math.max(0, ...told.keys())) ?? null;
  onSignal(
    gateMoved,
    (raw) => (textOf(raw.id) && canBe(raw.status, raw.version) ? (raw as Gate) : null),
    (gate) => (gate.id === id() ? void told.set(gate.version, gate) : void (others += 1)),
  );
  return {
    standing,
    others: () => others,
    decided: () => {
      const gate = standing();
      return gate && gate.status !== 'pending' ? gate : null;
    },
    correct: (wrong, { gate }) => {
      if (told.get(wrong.version) === wrong) told.delete(wrong.version);
      if (gate) told.set(gate.version, gate);
    },
  };
}

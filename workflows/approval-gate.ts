import {
  allHandlersFinished,
  condition,
  currentUpdateInfo,
  defineSignal,
  defineUpdate,
  setHandler,
  uuid4,
} from '@temporalio/workflow';
import { Conflict, Invalid, type DomainError } from '../domain/errors';
import { isSettled, step, type Gate, type GateEvent, type Verdict } from '../domain/gate';
import { system, type Actor } from '../domain/principal';
import {
  byOwnRules,
  cancelledInTemporal,
  inTurn,
  onSignal,
  onUpdate,
  refusalOf,
  rows,
  show,
  tell,
  textOf,
} from './kit';
import { gateMoved, stateOf, withdraw } from './messages';

export interface GateInput {
  gate: Gate;
  /** Workflows that hear of every move. */
  tell: string[];
}
export interface Decision {
  verdict: Verdict;
  by: Actor;
  label: string | null;
  reason: string | null;
  /** The API's signed word for who decides; without it the decider is an operator of no proven name. */
  proof: string | null;
  correlationId: string | null;
}
export interface Decided {
  gate: Gate;
  /** It stood already; nothing changed. */
  already: boolean;
}
export interface Completion {
  by: Actor;
  result: string;
  proof: string | null;
  correlationId: string | null;
}

/** Answers when the row is there: for Update-with-Start. */
export const opened = defineUpdate<Gate>('opened');
export const decide = defineUpdate<Decided, [Decision]>('decide');
export const complete = defineUpdate<Gate, [Completion]>('complete');
/** For operators at the Temporal UI or CLI: no answer. `id` makes a repeat harmless, `actor` is a label. */
export interface BySignal {
  id: string;
  actor: string;
  reason?: string;
}
export const approve = defineSignal<[BySignal]>('approve');
export const reject = defineSignal<[BySignal]>('reject');
/** What carried the change out says so. */
export const carriedOut = defineSignal<[Completion & { id: string }]>('complete');
export const gateState = stateOf<Gate>();

const at = (): string => new Date().toISOString();
const describe = (g: Gate): string =>
  `**${g.action}** on \`${g.target}\`: **${g.status}**${g.decidedBy ? ` by ${g.decidedBy.name}` : ''}\n\n${g.reason ?? ''}`;

/** Holds a change until someone decides, the change is carried out, what waits for it is over, or a deadline passes. */
export async function approvalGate(input: GateInput): Promise<Gate> {
  let gate = input.gate;
  const seen = new Set<string>();
  const next = inTurn();

  const announce = async () => {
    show(gate.status, describe(gate));
    await Promise.all(input.tell.map((id) => tell(id, gateMoved, gate)));
  };
  /** The row decides: state is what `recordGate` returns, never what was hoped for. */
  const move = async (event: GateEvent, transition: string, proof: string | null, correlationId: string | null) => {
    const stands = await rows.recordGate(step(gate, event, at()), {
      event: event.type,
      by: event.by,
      transition,
      proof,
      correlationId,
    });
    if (stands.gate.version > gate.version) {
      gate = stands.gate;
      await announce();
    }
    if (!stands.applied) throw new Conflict(`the change is already ${gate.status}`, { status: gate.status });
    return gate;
  };
  /** Has no answer: what cannot be done is written down and shown, never dropped, never thrown. */
  const attempt = async (event: GateEvent, id: string, proof: string | null): Promise<void> => {
    try {
      await move(event, id, proof, null);
    } catch (e) {
      const refusal = refusalOf(e);
      if (!refusal) throw e;
      await writeDown(refusal, event, id);
    }
  };
  const bySignal = async (event: GateEvent, id: string, proof: string | null): Promise<void> => {
    if (seen.has(id)) return;
    seen.add(id);
    await next(() => attempt(event, id, proof));
  };
  const writeDown = async (refusal: DomainError, event: GateEvent, id: string) => {
    await rows.recordGateRefusal(gate, { event: event.type, by: event.by, transition: id }, refusal.message);
    show(gate.status, `${describe(gate)}\n\nRefused: ${event.type} by ${event.by.name}: ${refusal.message}`);
  };
  const expire = (reason: string, id: string) => bySignal({ type: 'expire', by: system, reason }, id, null);
  const operator = (name: string): Actor => ({ id: null, kind: 'operator', name });

  // The first turn, ahead of whatever is asked for already.
  const opening = next(async () => {
    const by = gate.requestedBy;
    gate = (await rows.recordGate(gate, { event: 'open', by, transition: 'open', proof: null, correlationId: null }))
      .gate;
    await announce();
  });
  setHandler(gateState, () => gate);
  onUpdate(opened, () => next(() => Promise.resolve(gate)));
  onUpdate(decide, (d) => {
    const transition = currentUpdateInfo()?.id ?? 'decide';
    return next(async () => {
      if (d.verdict === 'approve' && gate.status === 'approved') return { gate, already: true };
      const event = { type: d.verdict, by: d.by, label: d.label, reason: d.reason };
      return { gate: await move(event, transition, d.proof, d.correlationId), already: false };
    });
  });
  onUpdate(complete, (c) => {
    const transition = currentUpdateInfo()?.id ?? 'complete';
    return next(() => move({ type: 'complete', by: c.by, result: c.result }, transition, c.proof, c.correlationId));
  });
  for (const [signal, type] of [
    [approve, 'approve'],
    [reject, 'reject'],
  ] as const) {
    onSignal<BySignal>(
      signal,
      (raw) => ({
        id: textOf(raw.id, 200) ?? uuid4(),
        actor: textOf(raw.actor, 100) ?? '',
        reason: textOf(raw.reason) ?? '',
      }),
      ({ id, actor, reason }) => {
        const event = { type, by: operator(actor), label: actor, reason: reason || null } as const;
        if (actor) return bySignal(event, id, null);
        return next(() =>
          writeDown(new Invalid('actor: say who decides'), { ...event, by: operator('nobody named') }, id),
        );
      },
    );
  }
  onSignal(
    carriedOut,
    (raw) => {
      const by = (typeof raw.by === 'object' && raw.by !== null ? raw.by : {}) as Partial<Record<keyof Actor, unknown>>;
      const proof = textOf(raw.proof, 10_000);
      // Without proof whoever sends it is an operator, whatever it calls itself.
      const name = textOf(by.name, 100) ?? 'nobody named';
      return {
        id: textOf(raw.id, 200) ?? uuid4(),
        by: proof === null ? operator(name) : { id: textOf(by.id, 100), kind: 'agent' as const, name },
        result: textOf(raw.result, 20_000) ?? 'no result given',
        proof,
        correlationId: null,
      };
    },
    (c) => bySignal({ type: 'complete', by: c.by, result: c.result }, c.id, c.proof),
  );
  onSignal(
    withdraw,
    (raw) => ({ id: textOf(raw.id, 200) ?? uuid4(), reason: textOf(raw.reason) ?? 'withdrawn' }),
    (w) => expire(w.reason, w.id),
  );

  await byOwnRules(
    async () => {
      await opening;
      // Twice at most: until it is decided, then until it is carried out. Each wait has the deadline that stands.
      while (!isSettled(gate)) {
        const { version, status } = gate;
        if (await condition(() => gate.version !== version, Math.max(1, Date.parse(gate.expiresAt) - Date.now())))
          continue;
        // Decided while the timer fired, it has a deadline of its own: this one must not end an approval that is seconds old.
        await next(async () => {
          if (gate.version !== version) return;
          await attempt({ type: 'expire', by: system, reason: 'deadline' }, `deadline:${status}`, null);
        });
      }
      // A cancellation is no handler that could be waited for: whoever waits for the gate is told before it is gone.
      await next(() => Promise.resolve());
      await condition(allHandlersFinished);
    },
    () => void expire(cancelledInTemporal, 'cancelled'),
  );
  return gate;
}

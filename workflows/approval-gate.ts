import {
  allHandlersFinished,
  condition,
  currentUpdateInfo,
  defineSignal,
  defineUpdate,
  setCurrentDetails,
  setHandler,
  sleep,
  uuid4,
} from '@temporalio/workflow';
import { Conflict, Invalid, type DomainError } from '../domain/errors';
import { isSettled, step, type Gate, type GateEvent, type GateStatus, type Verdict } from '../domain/gate';
import { system, type Actor } from '../domain/principal';
import { callsOf } from '../domain/quorum';
import {
  byOwnRules,
  cancelledInTemporal,
  inTurn,
  onSignal,
  onUpdateInTurn,
  refusalOf,
  rows,
  tell,
  textOf,
} from './kit';
import { gateMoved, stateOf, withdraw } from './messages';

export interface GateInput {
  /** With its number when its row stands already; without, the workflow writes it first. */
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
/** Small: it is kept in the history, and whoever wants the gate has its row. */
export interface Decided {
  status: GateStatus;
  version: number;
  /** It stood already; nothing changed. */
  already: boolean;
}
export interface Completion {
  by: Actor;
  result: string;
  proof: string | null;
  correlationId: string | null;
}

export const decide = defineUpdate<Decided, [Decision]>('decide');
export const complete = defineUpdate<Decided, [Completion]>('complete');
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
  const answer = (already: boolean): Decided => ({ status: gate.status, version: gate.version, already });
  const announce = async (): Promise<void> => {
    setCurrentDetails(describe(gate));
    if (input.tell.length) await Promise.all(input.tell.map((id) => tell(id, gateMoved, gate)));
  };
  const adopt = (now: Gate): Promise<void> | null => {
    if (now.version <= gate.version) return null;
    gate = now;
    return announce();
  };
  /** The row decides: state is what `recordGate` says, never what was hoped for. */
  const move = async (
    event: GateEvent,
    transition: string,
    proof: string | null,
    correlationId: string | null,
  ): Promise<Decided> => {
    const hoped = step(gate, event, at());
    if (gate.rule && (event.type === 'approve' || event.type === 'reject'))
      return vote(event, transition, proof, correlationId);
    const by = { event: event.type, by: event.by, transition, proof, correlationId };
    const { stands, applied } = await rows.recordGate(hoped, by);
    await adopt(stands ?? hoped);
    if (!applied) throw new Conflict(`the change is already ${gate.status}`, { status: gate.status });
    return answer(false);
  };
  /** Of a gate that has a rule: what the votes come to is the row's to say. */
  const vote = async (
    { type: verdict, by, label, reason }: Extract<GateEvent, { type: Verdict }>,
    transition: string,
    proof: string | null,
    correlationId: string | null,
  ): Promise<Decided> => {
    const ballot = { verdict, by, label, reason, transition, proof, correlationId, at: at() };
    const { stands, vote: cast } = await rows.recordVote(gate, ballot);
    await adopt(stands);
    if (!cast) throw new Conflict(`the change is already ${gate.status}`, { status: gate.status });
    return answer(cast === 'again');
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
    setCurrentDetails(`${describe(gate)}\n\nRefused: ${event.type} by ${event.by.name}: ${refusal.message}`);
  };
  const expire = (reason: string, id: string) => bySignal({ type: 'expire', by: system, reason }, id, null);
  const operator = (name: string): Actor => ({ id: null, kind: 'operator', name });

  // The first turn, ahead of whatever is asked for already.
  const opening = next(async () => {
    if (gate.number === 0) {
      const open = {
        event: 'open' as const,
        by: gate.requestedBy,
        transition: 'open',
        proof: null,
        correlationId: null,
      };
      gate = (await rows.recordGate(gate, open)).stands ?? gate;
    }
    await announce();
  });
  setHandler(gateState, () => gate);
  onUpdateInTurn(next, decide, async (d) => {
    if (d.verdict === 'approve' && gate.status === 'approved') return answer(true);
    const event = { type: d.verdict, by: d.by, label: d.label, reason: d.reason };
    return move(event, currentUpdateInfo()?.id ?? 'decide', d.proof, d.correlationId);
  });
  onUpdateInTurn(next, complete, (c) => {
    const event = { type: 'complete', by: c.by, result: c.result } as const;
    return move(event, currentUpdateInfo()?.id ?? 'complete', c.proof, c.correlationId);
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

  /**
   * Until it is decided, then until it is carried out. An approval moves the deadline and cancels no timer: the one that
   * fires looks at the deadline that stands by then.
   */
  const keepDeadline = async (): Promise<void> => {
    const left = (): number => Date.parse(gate.expiresAt) - Date.now();
    while (!isSettled(gate)) {
      if (left() > 0) await sleep(left());
      else
        await next(async () => {
          // Decided while the timer fired, it has a deadline of its own: this one must not end an approval that is seconds old.
          if (isSettled(gate) || left() > 0) return;
          await attempt({ type: 'expire', by: system, reason: 'deadline' }, `deadline:${gate.status}`, null);
        });
    }
  };
  /** Reminders, and the escalation. A gate that is decided meanwhile cancels no timer: the one that fires finds it over. */
  const keepCalling = async (): Promise<void> => {
    for (const call of gate.rule ? callsOf(gate.rule) : []) {
      const left = Date.parse(gate.requestedAt) + call.afterMs - Date.now();
      if (left > 0) await sleep(left);
      if (gate.status !== 'pending') return;
      await next(async () => adopt(await rows.recordCall(gate, call, at())));
    }
  };
  let trouble: Error | null = null;
  await byOwnRules(
    async () => {
      await opening;
      for (const keep of [keepDeadline, keepCalling]) keep().catch((e: unknown) => (trouble = e as Error));
      await condition(() => trouble !== null || (isSettled(gate) && allHandlersFinished()));
      if (trouble !== null) throw trouble;
      if (!input.tell.length) return;
      // A deadline or a cancellation is no handler that could be waited for: whoever waits for the gate is told before it is gone.
      await next(() => Promise.resolve());
      await condition(allHandlersFinished);
    },
    () => void expire(cancelledInTemporal, 'cancelled'),
  );
  return gate;
}

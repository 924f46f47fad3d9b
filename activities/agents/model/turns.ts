import { v5 } from 'uuid';
import { attemptsAt, holdRun, modelTurns, settleTurn, spentBy, spentToday } from '../../../db/model-turns';
import { runtimeOf } from '../../../db/runtime';
import type { Read, Write } from '../../../db/tx';
import type { AgentModel, Spoken } from '../../../domain/model';
import type { ModelTurn, Reasoning, Spending } from '../../../domain/model-turn';
import { amountOf, budgetOf, dailyOf, ofToday, refusedBy, type Amount } from '../../../domain/reasoner/budget';
import type { Prompt } from '../../../domain/reasoner/conversation';
import { digestOf } from '../../../log/canonical';
import { profileOf } from '../../../domain/runtime';
import { filterOutput } from '../../../pipeline/output-filter';
import type { Store } from '../../../log/store';
import { agentActor } from '../../lifecycle/runs';
import type { Situation } from '../brief';
import type { Manner } from './manner';

/** What is written down with every attempt, whatever comes of it. */
export interface Begun {
  s: Situation;
  turn: number;
  /** The one that is really asked, with the prices that count for it. */
  model: AgentModel;
  manner: Manner;
  prompt: Pick<Prompt, 'purpose' | 'covers' | 'chars'>;
  promptDigest: string;
}

const nothing: Amount = { tokensIn: 0, tokensOut: 0, costMicros: 0 };
const clean = <T>(value: T): T => filterOutput(value).value as T;

/** As it was, or not at all: its endpoint refuses what was changed. */
const untouched = (reasoning: Reasoning[]): Reasoning[] =>
  JSON.stringify(clean(reasoning)) === JSON.stringify(reasoning) ? reasoning : [];

/** One entry a move of a turn: what was asked and how, not what was said. */
function logTurn(tx: Write, { run }: Situation, t: ModelTurn, manner: Manner | null = null): void {
  const finished = t.state !== 'reserved';
  tx.log({
    kind: finished ? 'model.turn_finished' : 'model.turn_started',
    actor: agentActor(run),
    subject: { kind: 'run', id: run.id },
    transition: `turn:${t.turn}:${t.attempt}:${t.state}`,
    ticketId: run.ticketId,
    runId: run.id,
    agentId: run.agentId,
    ...(finished && t.state !== 'answered' && { decision: 'error' as const }),
    reason: t.error,
    body: {
      agent_id: run.number,
      turn: t.turn,
      attempt: t.attempt,
      purpose: t.purpose,
      state: t.state,
      model: t.model,
      ...(run.model !== null && run.model !== t.model && { in_place_of: run.model }),
      ...(manner && { reasoning_effort: manner.effort, fast_mode: manner.fast }),
      prompt_digest: t.promptDigest,
      answer_digest: t.state === 'answered' ? digestOf({ text: t.text, calls: t.calls }) : null,
      tokens_in: t.tokensIn,
      tokens_out: t.tokensOut,
      cost_micros: t.costMicros,
      estimated: t.estimated,
      stop_reason: t.stopReason,
      has_tool_use: t.calls.length > 0,
      duration_ms: t.durationMs,
    },
  });
}

/** Attempts at turns: reserved before the model is asked, settled after, each of both in one transaction with its entry. */
export const turnLedger = ({ store, runBudget }: { store: Store; runBudget: Spending }) => {
  const rowOf = (b: Begun, attempt: number, state: ModelTurn['state'], amount: Amount, error: string | null): ModelTurn => ({
    id: v5(`turn:${b.turn}:${attempt}`, b.s.run.id), tenantId: b.s.run.tenantId, runId: b.s.run.id, profileId: b.s.run.profileId,
    turn: b.turn, attempt,
    purpose: b.prompt.purpose, state, model: b.model.name, step: b.s.step, heard: b.s.brief.steering.length, covers: b.prompt.covers,
    promptDigest: b.promptDigest, promptChars: b.prompt.chars, text: '', calls: [], reasoning: [], stopReason: null, ...amount, estimated: false,
    error, startedAt: new Date().toISOString(), durationMs: null,
  }); // prettier-ignore

  const insert = async (tx: Write, b: Begun, row: ModelTurn): Promise<ModelTurn> => {
    const written = await modelTurns.insert(tx, row);
    if (!written) throw new Error(`attempt ${row.attempt} at turn ${row.turn} of run ${row.runId} stands already`);
    logTurn(tx, b.s, written, b.manner);
    return written;
  };

  /** An attempt that died: whether it was answered nobody knows, so what was set aside for it is spent. */
  const giveUpOn = async (tx: Write, s: Situation, before: readonly ModelTurn[]): Promise<void> => {
    for (const t of before.filter((b) => b.state === 'reserved')) {
      const settled = await settleTurn(tx, t.id, {
        ...t, state: 'lost', estimated: true, error: 'nobody heard of its end: what was reserved counts as spent',
      }); // prettier-ignore
      if (settled) logTurn(tx, s, settled);
    }
  };

  /** Why there is nothing to spend it from: neither of the run's own budget, nor of its profile's for today. Null: there is. */
  const refusal = async (tx: Read, { run }: Situation, amount: Amount): Promise<string | null> => {
    const own = refusedBy('this run', budgetOf(runBudget, run.runtime), await spentBy(tx, run.id), amount);
    if (own !== null || run.profileId === null) return own;
    const daily = dailyOf(profileOf((await runtimeOf(tx)).config, run.profileId));
    return daily && refusedBy(ofToday(run.profileId), daily, await spentToday(tx, run.profileId), amount);
  };

  return {
    /**
     * Sets aside what the next attempt may take. Answers what stands instead, where the turn is over: answered by an attempt
     * before this one, or refused now, because there is no budget left, or nothing may be done any more.
     */
    reserve: (b: Begun, amount: Amount, halted: string | null): Promise<ModelTurn> =>
      store.write(b.s.run.tenantId, async (tx) => {
        await holdRun(tx, b.s.run.id);
        const before = await attemptsAt(tx, b.s.run.id, b.turn);
        const stands = before.find((t) => t.state === 'answered' || t.state === 'refused');
        if (stands) return stands;
        await giveUpOn(tx, b.s, before);
        const attempt = (before.at(-1)?.attempt ?? 0) + 1;
        const why = halted ?? (await refusal(tx, b.s, amount));
        return why === null
          ? insert(tx, b, rowOf(b, attempt, 'reserved', amount, null))
          : insert(tx, b, rowOf(b, attempt, 'refused', nothing, why));
      }),

    /** What it took, by the endpoint's own count; where that says nothing, what was reserved. Null: it was given up on meanwhile. */
    answer: (b: Begun, reserved: ModelTurn, said: Spoken): Promise<ModelTurn | null> =>
      store.write(b.s.run.tenantId, async (tx) => {
        const { tokensIn, tokensOut, costMicros } = reserved;
        const amount = said.usage
          ? amountOf(b.model, said.usage.tokensIn, said.usage.tokensOut)
          : { tokensIn, tokensOut, costMicros };
        const settled = await settleTurn(tx, reserved.id, {
          ...amount, state: 'answered', text: clean(said.text), calls: clean(said.calls),
          reasoning: untouched(said.reasoning), stopReason: said.stopReason,
          estimated: said.usage === null, error: null, durationMs: Date.now() - Date.parse(reserved.startedAt),
        }); // prettier-ignore
        if (settled) logTurn(tx, b.s, settled);
        return settled;
      }),

    /** `spent`: nobody knows what came of it, so that what was reserved counts. Else it is free again. Answers what stands. */
    fail: (
      b: Begun,
      reserved: ModelTurn,
      error: string,
      spent: boolean,
      stopReason: string | null,
    ): Promise<ModelTurn> =>
      store.write(b.s.run.tenantId, async (tx) => {
        const { tokensIn, tokensOut, costMicros } = reserved;
        const settled = await settleTurn(tx, reserved.id, {
          ...(spent ? { tokensIn, tokensOut, costMicros } : nothing), state: spent ? 'lost' : 'failed', text: '', calls: [],
          reasoning: [], stopReason, estimated: spent, error, durationMs: Date.now() - Date.parse(reserved.startedAt),
        }); // prettier-ignore
        if (settled) logTurn(tx, b.s, settled);
        return settled ?? { ...reserved, state: 'lost' };
      }),

    /** There will be no answer: the run goes on without one, and says why. */
    refuse: (b: Begun, why: string): Promise<void> =>
      store.write(b.s.run.tenantId, async (tx) => {
        const before = await attemptsAt(tx, b.s.run.id, b.turn);
        if (before.some((t) => t.state === 'answered' || t.state === 'refused')) return;
        await giveUpOn(tx, b.s, before);
        await insert(tx, b, rowOf(b, (before.at(-1)?.attempt ?? 0) + 1, 'refused', nothing, why));
      }),
  };
};

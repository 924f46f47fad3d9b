import { newestCommandTurns, type CommandTurn } from '../../../db/command-turns';
import { newestAttempts } from '../../../db/model-turns';
import type { RunView } from '../../../db/run-queries';
import type { Read } from '../../../db/tx';
import type { z } from 'zod';
import type { ModelTurn, Spending } from '../../../domain/model-turn';
import { budgetOf } from '../../../domain/reasoner/budget';
import type { BudgetShape, ModelTurnEvent } from '../../contracts/agentic/model-turn-shapes';

/** An attempt at a turn as what began and, when it is over, what ended. */
function eventsOf(t: ModelTurn, run: RunView): ModelTurnEvent[] {
  const shared = {
    task_id: run.taskNumber, agent_id: run.number, ticket_id: run.ticketNumber, turn_index: t.turn, attempt: t.attempt,
    purpose: t.purpose, model: t.model,
  }; // prettier-ignore
  const started: ModelTurnEvent = {
    ...shared, event_type: 'agent_model_turn_started', created_at: t.startedAt, state: 'reserved', duration_seconds: null,
    stop_reason: null, has_tool_use: null, tokens_in: null, tokens_out: null, cost: null, error: null,
  }; // prettier-ignore
  if (t.state === 'reserved') return [started];
  const finished: ModelTurnEvent = {
    ...shared,
    event_type: 'agent_model_turn_finished',
    created_at: new Date(Date.parse(t.startedAt) + (t.durationMs ?? 0)).toISOString(),
    state: t.state,
    duration_seconds: t.durationMs === null ? null : t.durationMs / 1_000,
    stop_reason: t.stopReason,
    has_tool_use: t.calls.length > 0,
    tokens_in: t.tokensIn,
    tokens_out: t.tokensOut,
    cost: t.costMicros / 1_000_000,
    error: t.error,
  };
  return [started, finished];
}

/** The same of a command, which told of it when it was over; what it cost is its own. */
function eventsOfCommand(t: CommandTurn, run: RunView): ModelTurnEvent[] {
  const shared = {
    task_id: run.taskNumber, agent_id: run.number, ticket_id: run.ticketNumber, turn_index: t.turn, attempt: 1, purpose: 'turn' as const,
    model: t.model ?? run.model ?? run.harness, cost: null, error: null,
  }; // prettier-ignore
  return [
    {
      ...shared, event_type: 'agent_model_turn_started', created_at: new Date(Date.parse(t.endedAt) - (t.durationMs ?? 0)).toISOString(),
      state: 'reserved', duration_seconds: null, stop_reason: null, has_tool_use: null, tokens_in: null, tokens_out: null,
    },
    {
      ...shared, event_type: 'agent_model_turn_finished', created_at: t.endedAt, state: 'answered',
      duration_seconds: t.durationMs === null ? null : t.durationMs / 1_000, stop_reason: t.stopReason, has_tool_use: t.hasToolUse,
      tokens_in: t.tokensIn, tokens_out: t.tokensOut,
    },
  ]; // prettier-ignore
}

/** What a run may spend and has spent; what is reserved may be less when it is settled. */
export function budgetView(
  most: Spending,
  run: Pick<RunView, 'runtime'>,
  { spent, reserved }: { spent: Spending; reserved: Spending },
): z.output<typeof BudgetShape> {
  const budget = budgetOf(most, run.runtime);
  const of = (part: keyof Spending, unit: number) => ({
    limit: budget[part] / unit,
    spent: spent[part] / unit,
    reserved: reserved[part] / unit,
    left: Math.max(0, budget[part] - spent[part] - reserved[part]) / unit,
  });
  return { tokens: of('tokens', 1), money: of('costMicros', 1_000_000) };
}

/** The last of what the models of some runs did, old to new. */
export async function modelTurnEvents(tx: Read, runs: readonly RunView[], most: number): Promise<ModelTurnEvent[]> {
  if (runs.length === 0) return [];
  const byId = new Map(runs.map((r) => [r.id, r]));
  const [attempts, told] = await Promise.all([
    newestAttempts(tx, [...byId.keys()], most),
    newestCommandTurns(tx, [...byId.keys()], most),
  ]);
  const events = <T extends { runId: string }>(turns: T[], of: (t: T, run: RunView) => ModelTurnEvent[]) =>
    turns.reverse().flatMap((t) => {
      const run = byId.get(t.runId);
      return run ? of(t, run) : [];
    });
  const ours = events(attempts, eventsOf);
  const theirs = events(told, eventsOfCommand);
  if (theirs.length === 0) return ours.slice(-most);
  return [...ours, ...theirs].sort((a, b) => Date.parse(a.created_at) - Date.parse(b.created_at)).slice(-most);
}

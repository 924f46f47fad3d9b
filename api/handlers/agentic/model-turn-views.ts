import { newestAttempts } from '../../../db/model-turns';
import type { RunView } from '../../../db/run-queries';
import type { Read } from '../../../db/tx';
import type { ModelTurn } from '../../../domain/model-turn';
import type { ModelTurnEvent } from '../../contracts/agentic/model-turn-shapes';

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

/** The last of what the models of some runs did, old to new. */
export async function modelTurnEvents(tx: Read, runs: readonly RunView[], most: number): Promise<ModelTurnEvent[]> {
  if (runs.length === 0) return [];
  const byId = new Map(runs.map((r) => [r.id, r]));
  const attempts = await newestAttempts(tx, [...byId.keys()], most);
  return attempts
    .reverse()
    .flatMap((t) => {
      const run = byId.get(t.runId);
      return run ? eventsOf(t, run) : [];
    })
    .slice(-most);
}

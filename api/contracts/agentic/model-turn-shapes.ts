import { z } from 'zod';
import { turnPurposes, turnStates } from '../../../domain/model-turn';
import { Instant } from '../shapes';

/** A model was asked in a run, or has answered. What it cost is in the currency of the prices that are configured. */
export const ModelTurnEventShape = z.object({
  event_type: z.enum(['agent_model_turn_started', 'agent_model_turn_finished']),
  created_at: Instant,
  task_id: z.int(),
  agent_id: z.int(),
  ticket_id: z.int(),
  turn_index: z.int(),
  attempt: z.int(),
  purpose: z.enum(turnPurposes),
  model: z.string(),
  state: z.enum(turnStates),
  duration_seconds: z.number().nullable(),
  stop_reason: z.string().nullable(),
  has_tool_use: z.boolean().nullable(),
  tokens_in: z.int().nullable(),
  tokens_out: z.int().nullable(),
  cost: z.number().nullable(),
  error: z.string().nullable(),
});
const Spent = z.object({ limit: z.number(), spent: z.number(), reserved: z.number(), left: z.number() });
/** Of a run: tokens of both directions, and money in the currency of the prices. */
export const BudgetShape = z.object({ tokens: Spent, money: Spent });

export type ModelTurnEvent = z.output<typeof ModelTurnEventShape>;

import { ApplicationFailure, Context } from '@temporalio/activity';
import { attemptsAt } from '../../db/model-turns';
import type { Read } from '../../db/tx';
import { ModelTrouble, type AgentModel } from '../../domain/model';
import { charsPerToken, reserve } from '../../domain/reasoner/budget';
import { promptFor, type Room } from '../../domain/reasoner/conversation';
import { digestOf } from '../../log/canonical';
import { filterOutput } from '../../pipeline/output-filter';
import type { Deps } from '../deps';
import { heartbeating } from '../heartbeating';
import { harnessFailed } from './ask';
import { converse } from './model/converse';
import { toolsFor, type Grant } from './model/tools';
import { turnLedger, type Begun } from './model/turns';
import type { Situation } from './brief';
import type { Counted, RunRef, Steps } from './steps';

export interface Thought extends RunRef {
  /** The number that the answer will have: so many turns stand. */
  turn: number;
  /** The last attempt says that there is no answer. */
  attempts: number;
}

/** A result has so much of a window at most. */
const resultShare = 8;
const roomOf = (model: AgentModel, perToken: number, toolChars: number): Room => {
  const chars = Math.floor((model.window - model.maxOutput) * perToken) - toolChars;
  return { chars, result: Math.max(500, Math.floor(chars / resultShare)) };
};

/** What says that nothing may be done, and what the agent may call. */
async function standing(tx: Read, s: Situation): Promise<{ halted: string | null; grants: Grant[] }> {
  const { rows } = await tx.query<{ halted: string | null; grants: Grant[] }>(
    `select coalesce((select coalesce(reason, 'the kill switch is engaged') from kill_switches where engaged),
         (select 'the agent is ' || status from agents where id = $1 and status <> 'ACTIVE')) as halted,
       (select coalesce(jsonb_agg(jsonb_build_object('tool', tool, 'effect', effect)), '[]')
          from agent_grants where agent_id = $1) as grants`,
    [s.run.agentId],
  );
  return { halted: s.fence ?? rows[0]?.halted ?? null, grants: rows[0]?.grants ?? [] };
}

/** One turn of a model: asked, counted, recorded. What it asks for is carried out by whoever asks for the turn. */
export const thinkActivities = (
  deps: Pick<Deps, 'store' | 'pipeline' | 'models' | 'runBudget' | 'logger'>,
  { look, counted }: Steps,
) => {
  const { store, pipeline, models, logger } = deps;
  const ledger = turnLedger(deps);
  const modelOf = (name: string | null): AgentModel => {
    const model = name === null ? models[0] : models.find((m) => m.name === name);
    if (!model) throw harnessFailed(`there is no model ${name ?? ''} here (any more)`);
    return model;
  };

  /** Everything that the model is asked with, from rows alone. */
  const compose = async (s: Situation, turn: number) => {
    const model = modelOf(s.run.model);
    const { around, before } = await store.read(s.run.tenantId, async (tx) => ({
      around: await standing(tx, s),
      before: await attemptsAt(tx, s.run.id, turn),
    }));
    const offered = toolsFor(await pipeline.catalogue(s.run.tenantId), s.run.scopes, around.grants);
    const toolChars = JSON.stringify(offered).length;
    const perToken = charsPerToken(s.turns);
    // The endpoint found the last attempt too long, whatever was reckoned here.
    const crowded = before.some((t) => t.purpose === 'turn' && t.stopReason === 'too_long');
    const room = roomOf(model, perToken, toolChars);
    const prompt = promptFor(s.brief, s.observations, s.turns, room, crowded);
    if (!prompt) return { model, prompt: null, halted: around.halted };
    const said = filterOutput(prompt.said).value as typeof prompt.said;
    const tools = prompt.purpose === 'turn' ? offered : [];
    const chars = prompt.chars + (prompt.purpose === 'turn' ? toolChars : 0);
    const promptDigest = digestOf({ system: prompt.system, said, tools });
    const begun: Begun = { s, turn, model, prompt: { ...prompt, chars }, promptDigest };
    return {
      model,
      prompt: { ...prompt, said },
      tools,
      begun,
      amount: reserve(model, chars, perToken),
      halted: around.halted,
    };
  };

  return {
    /**
     * Has the model say what comes next. A repeat finds the turn that was recorded. Trouble on the way is tried again, later; a
     * refusal of the endpoint, and trouble at the last attempt, is recorded in place of an answer.
     */
    think: (input: Thought): Promise<Counted> =>
      heartbeating(async (signal) => {
        const s = await look(input);
        if (s.turns.length > input.turn) return counted(input);
        const made = await compose(s, input.turn);
        if (!made.prompt) throw harnessFailed(`the task does not fit the context window of ${made.model.name}`);
        const { model, begun, prompt, tools, amount } = made;
        const reserved = await ledger.reserve(begun, amount, made.halted);
        if (reserved.state !== 'reserved') return counted(input);
        try {
          const { attempt } = reserved;
          const said = await converse(model, {
            system: prompt.system, said: prompt.said, tools, maxOutput: model.maxOutput, signal,
            key: `${s.run.id}:${input.turn}:${attempt}`, onChunk: () => Context.current().heartbeat(),
          }); // prettier-ignore
          if (prompt.purpose === 'summary' && said.text.trim() === '')
            throw new ModelTrouble('unheard', 'the summary that it was asked for is empty');
          await ledger.answer(begun, reserved, said);
        } catch (e) {
          if (!(e instanceof ModelTrouble)) throw e;
          await ledger.fail(begun, reserved, e.message, e.kind === 'unheard', e.kind === 'too_long');
          const again =
            e.kind === 'busy' || e.kind === 'unheard' || (e.kind === 'too_long' && prompt.purpose === 'turn');
          if (signal.aborted) throw e;
          logger.warn(
            { run: s.run.id, turn: input.turn, attempt: reserved.attempt, why: e.message },
            'no answer of a model',
          );
          if (again && Context.current().info.attempt < input.attempts)
            throw ApplicationFailure.create({
              message: e.message,
              type: 'ModelTrouble',
              ...(e.retryAfterMs !== null && { nextRetryDelay: e.retryAfterMs }),
            });
          await ledger.refuse(begun, e.message);
        }
        return counted(input);
      }),
  };
};

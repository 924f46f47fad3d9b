import { ApplicationFailure, Context } from '@temporalio/activity';
import { attemptsAt } from '../../db/model-turns';
import { skillsOfRun } from '../../db/skills';
import type { Read } from '../../db/tx';
import type { BriefSkill } from '../../domain/harness';
import { ModelTrouble, type AgentModel } from '../../domain/model';
import type { ModelTurn } from '../../domain/model-turn';
import { charsPerToken, reserve } from '../../domain/reasoner/budget';
import { promptFor, type Prompt, type Room } from '../../domain/reasoner/conversation';
import { left, notAgain, orderOf } from '../../domain/reasoner/whom';
import { readable } from '../../domain/skill';
import { digestOf } from '../../log/canonical';
import { filterOutput } from '../../pipeline/output-filter';
import type { Deps } from '../deps';
import { heartbeating } from '../heartbeating';
import { harnessFailed } from './ask';
import { converse } from './model/converse';
import { asItIs, type Manner } from './model/manner';
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
  return { chars, result: Math.max(500, Math.floor(chars / resultShare)), model: model.name };
};

const mannerOf = ({ run }: Situation): Manner =>
  run.runtime ? { effort: run.runtime.reasoning_effort, fast: run.runtime.fast_mode } : asItIs;
/** With the prices that count in that manner. */
const priced = (model: AgentModel, { fast }: Manner): AgentModel =>
  fast && model.fast ? { ...model, price: model.fast.price } : model;

/** Where somebody else can be asked, nobody is waited for any longer. */
const longestWaitMs = 30_000;

interface Around {
  /** What says that nothing may be done. */
  halted: string | null;
  /** What the agent may call. */
  grants: Grant[];
  skills: BriefSkill[];
}

async function standing(tx: Read, s: Situation): Promise<Around> {
  const { rows } = await tx.query<Omit<Around, 'skills'>>(
    `select coalesce((select coalesce(reason, 'the kill switch is engaged') from kill_switches where engaged),
         (select 'the agent is ' || status from agents where id = $1 and status <> 'ACTIVE')) as halted,
       (select coalesce(jsonb_agg(jsonb_build_object('tool', tool, 'effect', effect)), '[]')
          from agent_grants where agent_id = $1) as grants`,
    [s.run.agentId],
  );
  const found = await skillsOfRun(tx, s.run, s.ticket);
  return {
    halted: s.fence ?? rows[0]?.halted ?? null,
    grants: rows[0]?.grants ?? [],
    skills: found.map(({ skill }) => ({
      name: skill.name,
      description: skill.description,
      text: readable(skill, { ticket_id: String(s.ticket.number) }),
    })),
  };
}

/** One turn of a model: asked, counted, recorded. What it asks for is carried out by whoever asks for the turn. */
export const thinkActivities = (
  deps: Pick<Deps, 'store' | 'pipeline' | 'models' | 'runBudget' | 'logger'>,
  { look, counted }: Steps,
) => {
  const { store, pipeline, models, logger } = deps;
  const ledger = turnLedger(deps);

  /** Everything that the next model is asked with, from rows alone. Where none is left, as the last would have been. */
  const compose = async (s: Situation, { turn, attempts }: Thought) => {
    const order = orderOf(s.run, models, s.turns).map((m) => priced(m, mannerOf(s)));
    if (order.length === 0) throw harnessFailed(`there is no model ${s.run.model ?? ''} here (any more)`);
    const { around, before } = await store.read(s.run.tenantId, async (tx) => ({
      around: await standing(tx, s),
      before: await attemptsAt(tx, s.run.id, turn),
    }));
    const offered = toolsFor(await pipeline.catalogue(s.run.tenantId), s.run.scopes, around.grants);
    const toolChars = JSON.stringify(offered).length;
    const brief = { ...s.brief, skills: around.skills };
    const open = left(order, before, attempts);

    const promptOf = (model: AgentModel): Prompt | null => {
      // The endpoint found the last attempt too long, whatever was reckoned here.
      const crowded = before.some((t) => t.model === model.name && t.purpose === 'turn' && t.stopReason === 'too_long');
      const room = roomOf(model, charsPerToken(s.turns, model.name), toolChars);
      return promptFor(brief, s.observations, s.turns, room, crowded);
    };
    for (const model of open.length ? open : order.slice(-1)) {
      const prompt = promptOf(model);
      if (!prompt) continue;
      const said = filterOutput(prompt.said).value as typeof prompt.said;
      const tools = prompt.purpose === 'turn' ? offered : [];
      const chars = prompt.chars + (prompt.purpose === 'turn' ? toolChars : 0);
      const promptDigest = digestOf({ system: prompt.system, said, tools });
      const begun: Begun = { s, turn, model, manner: mannerOf(s), prompt: { ...prompt, chars }, promptDigest };
      const amount = reserve(model, chars, charsPerToken(s.turns, model.name));
      return { order, before, isOver: open.length === 0, prompt: { ...prompt, said }, tools, begun, amount, halted: around.halted }; // prettier-ignore
    }
    throw harnessFailed(`the task does not fit the context window of ${order.map((m) => m.name).join(', ')}`);
  };
  type Composed = Awaited<ReturnType<typeof compose>>;

  /** Why it is not asked any more in this turn; null: it may be. */
  const endOf = ({ kind, retryAfterMs }: ModelTrouble, { prompt, order }: Composed): string | null => {
    if (kind === 'too_long' && prompt.purpose === 'turn') return 'too_long';
    const later = order.length > 1 && (retryAfterMs ?? 0) > longestWaitMs;
    return kind === 'rejected' || kind === 'too_long' || later ? notAgain : null;
  };

  /** Has it tried again, with whoever is next; @throws ApplicationFailure then. Else there is no answer, and that is written down. */
  const afterTrouble = async (input: Thought, made: Composed, reserved: ModelTurn, e: ModelTrouble): Promise<void> => {
    const { begun, order, before } = made;
    const { name } = begun.model;
    const failed = await ledger.fail(begun, reserved, e.message, e.kind === 'unheard', endOf(e, made));
    if (Context.current().cancellationSignal.aborted) throw e;
    const [next] = left(order, [...before, failed], input.attempts);
    const { id: run } = begun.s.run;
    logger.warn({ run, turn: input.turn, attempt: reserved.attempt, model: name, next: next?.name, why: e.message }, 'no answer of a model'); // prettier-ignore
    if (next && Context.current().info.attempt < input.attempts)
      throw ApplicationFailure.create({
        message: e.message,
        type: 'ModelTrouble',
        ...(next.name !== name ? { nextRetryDelay: 1 } : e.retryAfterMs !== null && { nextRetryDelay: e.retryAfterMs }),
      });
    await ledger.refuse(begun, order.length > 1 ? `none of ${order.map((m) => m.name).join(', ')} answered: ${e.message}` : e.message); // prettier-ignore
  };

  return {
    /**
     * Has a model say what comes next. A repeat finds the turn that was recorded. Trouble on the way is tried again, later, then
     * with another model where there is one; a refusal of all of them, and trouble at the last attempt, is recorded in place of
     * an answer.
     */
    think: (input: Thought): Promise<Counted> =>
      heartbeating(async (signal) => {
        const s = await look(input);
        if (s.turns.length > input.turn) return counted(input);
        const made = await compose(s, input);
        const { begun, prompt, tools, amount } = made;
        if (made.isOver) {
          await ledger.refuse(begun, made.before.at(-1)?.error ?? 'no model answered');
          return counted(input);
        }
        const reserved = await ledger.reserve(begun, amount, made.halted);
        if (reserved.state !== 'reserved') return counted(input);
        try {
          const said = await converse(begun.model, {
            system: prompt.system, said: prompt.said, tools, manner: begun.manner, signal,
            key: `${s.run.id}:${input.turn}:${reserved.attempt}`, onChunk: () => Context.current().heartbeat(),
          }); // prettier-ignore
          if (prompt.purpose === 'summary' && said.text.trim() === '')
            throw new ModelTrouble('unheard', 'the summary that it was asked for is empty');
          await ledger.answer(begun, reserved, said);
        } catch (e) {
          if (!(e instanceof ModelTrouble)) throw e;
          await afterTrouble(input, made, reserved, e);
        }
        return counted(input);
      }),
  };
};

import { Context } from '@temporalio/activity';
import { investigations } from '../../db/investigations';
import { NotFound } from '../../domain/errors';
import type { Investigation } from '../../domain/investigation';
import { planOf } from '../../domain/investigator/plan';
import { weigh } from '../../domain/investigator/weigh';
import { Unusable, type Message } from '../../domain/model';
import { filterOutput } from '../../pipeline/output-filter';
import type { Deps } from '../deps';
import { heartbeating } from '../heartbeating';
import { caseOf, type Case } from './case';
import { byRules, writeDecision, type Decided } from './decide';
import { narrativePrompt, planPrompt, readNarrative, readPlan, type Consulted } from './model/prompts';

export interface Consultation {
  tenantId: string;
  investigationId: string;
  phase: Consulted;
}

/** What the rules would have it, where no model is heard. */
const decisionOfRules = (it: Investigation, phase: Consulted): Record<string, unknown> =>
  phase === 'plan' ? { tools: planOf(it.mode) } : {};

const promptOf = (it: Investigation, c: Case, phase: Consulted): Message[] =>
  phase === 'plan' ? planPrompt(it.mode, it.transactionId ?? '') : narrativePrompt(weigh(c.seen), c.seen);

/** @throws Unusable */
function read(it: Investigation, c: Case, phase: Consulted, answer: string): Pick<Decided, 'reason' | 'decision'> {
  if (phase === 'narrative') {
    const narrative = readNarrative(answer, c.seen);
    return { reason: 'told from the evidence', decision: { ...narrative } };
  }
  const { tools, reason } = readPlan(answer, it.mode);
  return { reason, decision: { tools } };
}

const words = (e: unknown): string => {
  const { name, message } = e as Error;
  return name === 'TimeoutError' ? 'the model did not answer in time' : message;
};
/** As rows and the log may hold it. */
const clean = <T>(value: T): T => filterOutput(value).value as T;

export const consultActivities = ({ store, model, logger }: Pick<Deps, 'store' | 'model' | 'logger'>) => {
  const situation = ({ tenantId, investigationId }: Consultation) =>
    store.read(tenantId, async (tx) => {
      const it = await investigations.byId(tx, investigationId);
      if (!it) throw new NotFound(`no investigation ${investigationId}`);
      return { it, known: await caseOf(tx, investigationId) };
    });
  const record = (it: Investigation, decided: Decided): Promise<void> =>
    store.write(it.tenantId, (tx) => writeDecision(tx, it, clean(decided)));

  return {
    /**
     * Asks the model once an attempt, and writes down what it says. An answer that is of no use, or the last of `attempts`
     * that failed on the way, leaves the decision to the rules, and says so.
     */
    consultModel: (asked: Consultation & { attempts: number }): Promise<void> =>
      heartbeating(async (signal) => {
        const { it, known } = await situation(asked);
        const { phase } = asked;
        if (known.decided.has(phase)) return; // an earlier attempt wrote it down, and its answer was lost
        if (!model) {
          await record(it, byRules(phase, 'no model is configured any more', decisionOfRules(it, phase), 'fallback'));
          return;
        }
        const prompt = promptOf(it, known, phase);
        const said = { phase, model: model.name, prompt, startedMs: Date.now() };
        const answered = async (): Promise<Decided> => {
          const answer = await model.ask(prompt, `${it.id}:${phase}`, signal);
          return { ...said, ...read(it, known, phase, answer), decidedBy: 'model', answer };
        };
        const decided = await answered().catch((e: unknown): Decided => {
          const { attempt } = Context.current().info;
          if (signal.aborted || (!(e instanceof Unusable) && attempt < asked.attempts)) throw e;
          logger.warn({ err: e, investigation: it.id, phase, attempt }, 'the model was of no use: the rules decide');
          return {
            ...said, decidedBy: 'fallback', reason: `the rules decide: ${words(e)}`, decision: decisionOfRules(it, phase),
            answer: e instanceof Unusable ? e.answer : null,
          }; // prettier-ignore
        });
        await record(it, decided);
      }),

    /** Where not even that could be written down: the worker died at each attempt, or nobody polled. */
    decideWithoutModel: async (asked: Consultation & { reason: string }): Promise<void> => {
      const { it } = await situation(asked);
      const { phase, reason } = asked;
      await record(it, byRules(phase, `the rules decide: ${reason}`, decisionOfRules(it, phase), 'fallback'));
    },
  };
};

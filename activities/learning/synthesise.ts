import { ApplicationFailure, Context } from '@temporalio/activity';
import { v5 } from 'uuid';
import { postmortemEvidence } from '../../db/evidence';
import { killSwitchOf } from '../../db/kill-switch';
import { postmortems } from '../../db/learning';
import { attemptsAtPostmortem, settleAttempt, synthesesToday, synthesisAttempts } from '../../db/syntheses';
import type { Write } from '../../db/tx';
import { byRules as writtenByRules, type Postmortem, type Synthesised } from '../../domain/learning';
import { ModelTrouble, Unusable, type AgentModel } from '../../domain/model';
import { system } from '../../domain/principal';
import { amountOf, charsPerToken, refusedBy, reserve, type Amount } from '../../domain/reasoner/budget';
import type { SynthesisAttempt } from '../../domain/synthesis-attempt.schema';
import { digestOf } from '../../log/canonical';
import { synthesise, type Synthesis } from '../../pipeline/learning/synthesis';
import { filterOutput } from '../../pipeline/output-filter';
import { converse } from '../agents/model/converse';
import type { Deps } from '../deps';
import { heartbeating } from '../heartbeating';
import { promptFor, readTold, writing } from './told';

export interface SynthesisRef {
  tenantId: string;
  postmortemId: string;
}

const nothing: Amount = { tokensIn: 0, tokensOut: 0, costMicros: 0 };
const clean = <T>(value: T): T => filterOutput(value).value as T;
/** Nothing was measured: fewer characters of a token than any text has. */
const perToken = charsPerToken([]);

/** Still to be written, and as it was drafted. */
const awaits = (p: Postmortem | null): p is Postmortem => p?.synthesis?.state === 'pending';

/** The end of a synthesis, once. What people made of the draft meanwhile stands. */
async function conclude(
  tx: Write,
  id: string,
  told: Synthesis | null,
  how: Synthesised,
  took: Record<string, unknown>,
): Promise<void> {
  const [standing = null] = await postmortems.list(tx, 'where id = $1 for update', [id]);
  if (!awaits(standing)) return;
  const untouched = standing.status === 'draft' && standing.version === 1;
  const synthesis = untouched ? how : writtenByRules('people changed it before the model had written it');
  const next = untouched ? { ...standing, ...told, status: 'ready_for_review' as const } : standing;
  const moved = await postmortems.move(tx, {
    ...next,
    synthesis,
    version: standing.version + 1,
    updatedAt: new Date().toISOString(),
  });
  if (!moved) throw new Error(`postmortem ${id} was changed at the same time`);
  tx.log({
    kind: 'postmortem.synthesised',
    actor: system,
    subject: { kind: 'postmortem', id },
    ticketId: moved.ticketId,
    runId: moved.runId,
    version: moved.version,
    transition: 'synthesised',
    reason: synthesis.note,
    body: { postmortem_id: moved.number, status: moved.status, by: synthesis.by, model: synthesis.model, ...took },
  });
}

export const synthesisActivities = ({ store, learning, logger }: Pick<Deps, 'store' | 'learning' | 'logger'>) => {
  /** What is asked, from rows alone; null: nothing is, any more. */
  const look = ({ tenantId, postmortemId }: SynthesisRef) =>
    store.read(tenantId, async (tx) => {
      const postmortem = await postmortems.byId(tx, postmortemId);
      if (!awaits(postmortem) || postmortem.ticketId === null) return null;
      const evidence = await postmortemEvidence(tx, postmortem.ticketId);
      // Not its own draft: a model would tell that again.
      const others = evidence.postmortems.filter((p) => p.id !== postmortem.number);
      return { postmortem, evidence: { ...evidence, postmortems: others } };
    });

  const byRules = ({ tenantId, postmortemId }: SynthesisRef, note: string): Promise<void> =>
    store.write(tenantId, (tx) => conclude(tx, postmortemId, null, writtenByRules(note), {}));

  const settle = (tx: Write, a: SynthesisAttempt, change: Partial<SynthesisAttempt>): Promise<boolean> =>
    settleAttempt(tx, a.id, { ...a, durationMs: Date.now() - Date.parse(a.startedAt), ...change });

  /** Sets aside what the next attempt may take; in words, why there is nothing to take it from. */
  const setAside = (ref: SynthesisRef, model: AgentModel, promptDigest: string, amount: Amount) =>
    store.write(ref.tenantId, async (tx): Promise<SynthesisAttempt | string> => {
      const spent = await synthesesToday(tx);
      const before = await attemptsAtPostmortem(tx, ref.postmortemId);
      for (const a of before.filter((b) => b.state === 'reserved'))
        await settle(tx, a, { state: 'lost', estimated: true, error: 'nobody heard of its end: what was reserved counts as spent' }); // prettier-ignore
      const killSwitch = await killSwitchOf(tx);
      const why = killSwitch?.engaged
        ? `the kill switch is engaged: ${killSwitch.reason ?? 'no reason given'}`
        : refusedBy('syntheses for today', learning.budget, spent, amount);
      const attempt = (before.at(-1)?.attempt ?? 0) + 1;
      const row: SynthesisAttempt = {
        id: v5(`synthesis:${attempt}`, ref.postmortemId), tenantId: ref.tenantId, postmortemId: ref.postmortemId, attempt,
        state: why === null ? 'reserved' : 'refused', model: model.name, promptDigest, answerDigest: null,
        ...(why === null ? amount : nothing), estimated: false, error: why, startedAt: new Date().toISOString(), durationMs: null,
      }; // prettier-ignore
      const written = await synthesisAttempts.insert(tx, row);
      if (!written) throw new Error(`attempt ${attempt} at postmortem ${ref.postmortemId} stands already`);
      tx.log({
        kind: 'postmortem.model_asked', actor: system, subject: { kind: 'postmortem', id: ref.postmortemId }, transition: `asked:${attempt}`,
        ...(why !== null && { decision: 'deny' as const }), reason: why,
        body: { attempt, model: model.name, prompt_digest: promptDigest, tokens: row.tokensIn + row.tokensOut, cost_micros: row.costMicros },
      }); // prettier-ignore
      return why ?? written;
    });

  const ask = async (ref: SynthesisRef, model: AgentModel, attempts: number, signal: AbortSignal): Promise<void> => {
    const matter = await look(ref);
    if (!matter) return; // an earlier attempt wrote it down, and its answer was lost
    const { evidence, postmortem } = matter;
    const prompt = clean(promptFor(evidence));
    const chars = prompt.system.length + prompt.text.length + JSON.stringify(writing).length;
    const amount = reserve(model, chars, perToken);
    if (amount.tokensIn + amount.tokensOut > model.window)
      return byRules(ref, `the evidence does not fit the context window of ${model.name}`);
    const reserved = await setAside(ref, model, digestOf(prompt), amount);
    if (typeof reserved === 'string') return byRules(ref, reserved);
    try {
      const said = await converse(model, {
        system: prompt.system, said: [{ role: 'user', text: prompt.text }], tools: [writing], signal,
        key: `${ref.postmortemId}:${reserved.attempt}`, onChunk: () => Context.current().heartbeat(),
      }); // prettier-ignore
      const took = said.usage ? amountOf(model, said.usage.tokensIn, said.usage.tokensOut) : amount;
      const answerDigest = digestOf({ text: said.text, calls: said.calls });
      const settled = { ...took, state: 'answered' as const, estimated: said.usage === null, answerDigest };
      const read = (): { told: Synthesis | null; how: Synthesised } => {
        try {
          const { told, leftOut } = readTold(clean(said), evidence, {
            ...synthesise(evidence),
            documentation: postmortem.documentation,
          });
          const note =
            leftOut === 0 ? null : `${leftOut} of its statements rested on nothing in the records, and were left out`;
          return { told, how: { state: 'done', by: 'model', model: model.name, note } };
        } catch (e) {
          if (!(e instanceof Unusable)) throw e;
          return { told: null, how: writtenByRules(`${model.name} was of no use: ${e.message}`) };
        }
      };
      const { told, how } = read();
      await store.write(ref.tenantId, async (tx) => {
        await settle(tx, reserved, { ...settled, error: how.by === 'rules' ? how.note : null });
        const { tokensIn: tokens_in, tokensOut: tokens_out, costMicros: cost_micros } = took;
        await conclude(tx, ref.postmortemId, told, how, { tokens_in, tokens_out, cost_micros, answer_digest: answerDigest }); // prettier-ignore
      });
    } catch (e) {
      if (!(e instanceof ModelTrouble)) throw e;
      const spent = e.kind === 'unheard';
      await store.write(ref.tenantId, (tx) =>
        settle(tx, reserved, { ...(spent ? {} : nothing), state: spent ? 'lost' : 'failed', estimated: spent, error: e.message }),
      ); // prettier-ignore
      if (signal.aborted) throw e;
      logger.warn({ postmortem: ref.postmortemId, attempt: reserved.attempt, why: e.message }, 'no answer of a model');
      const again = e.kind === 'busy' || e.kind === 'unheard';
      if (!again || Context.current().info.attempt >= attempts) return byRules(ref, `${model.name} gave no answer: ${e.message}`); // prettier-ignore
      throw ApplicationFailure.create({
        message: e.message,
        type: 'ModelTrouble',
        ...(e.retryAfterMs !== null && { nextRetryDelay: e.retryAfterMs }),
      });
    }
  };

  return {
    /**
     * Has the model that is configured for it write a postmortem that was drafted by the rules. Trouble on the way is tried again;
     * an answer of no use, no budget, or trouble at the last attempt leaves it to the rules, and the record says so.
     */
    synthesiseWithModel: (asked: SynthesisRef & { attempts: number }): Promise<void> =>
      heartbeating((signal) =>
        learning.model
          ? ask(asked, learning.model, asked.attempts, signal)
          : byRules(asked, 'no model is configured for it any more'),
      ),

    /** Where not even that could be written down: the worker died at each attempt, or nobody polled. */
    synthesiseByRules: ({ reason, ...ref }: SynthesisRef & { reason: string }): Promise<void> => byRules(ref, reason),
  };
};

import { Context } from '@temporalio/activity';
import { investigations } from '../../db/investigations';
import { NotFound } from '../../domain/errors';
import type { Brief, Harness, Move, Observation } from '../../domain/harness';
import type { Investigation } from '../../domain/investigation';
import { planOf, isLook, looks, type Look } from '../../domain/investigator/plan';
import { backTest, weigh } from '../../domain/investigator/weigh';
import type { Actor } from '../../domain/principal';
import { agentScopes } from '../../domain/scopes';
import type { Execution } from '../../pipeline/call';
import type { Deps } from '../deps';
import { ask, harnessFailed } from './ask';
import { situationOfTicket } from './brief';
import { caseOf } from './case';
import { byRules, writeDecision } from './decide';
import type { Consulted } from './model/prompts';

export interface InvestigationTurn {
  steps: number;
  /** There is nothing more to gather: what it comes to. Of a transaction it is written with its end. */
  conclusion: Record<string, unknown> | null;
  /** The model has to be asked before it goes on. */
  consult?: Consulted;
}

/** An investigation asks nobody: a system that it would need access to is one it could not look at. */
function withoutAsking(
  analyst: Harness,
  brief: Brief,
  observations: readonly Observation[],
): Extract<Move, { kind: 'call' | 'propose' | 'finish' }> {
  const move = ask(analyst, brief, observations);
  if (move.kind === 'think' || move.kind === 'attend' || move.kind === 'offer')
    throw harnessFailed(`harness ${analyst.name} does not investigate`);
  if (move.kind === 'fail') throw harnessFailed(move.error);
  if (move.kind !== 'request_access') return move;
  const access = [...brief.access, { system: move.lease.system, status: 'not_requested', credentialRef: null }];
  return withoutAsking(analyst, { ...brief, access }, observations);
}

const actorOf = (it: Investigation): Actor => ({ id: it.agentId, kind: 'agent', name: 'investigator' });
/** Beside what every agent may: to look at payments. */
const scopes = [...agentScopes, 'ops_agent:read'] as const;

/** Gathers evidence step by step, through the same pipeline as everybody, without asking or proposing. */
export const investigateActivities = ({ store, pipeline, model }: Deps, analyst: Harness) => {
  const call = (it: Investigation, step: number, move: { tool: string; args: Record<string, unknown>; why: string }) =>
    pipeline.execute(
      {
        tenantId: it.tenantId,
        actor: actorOf(it),
        scopes,
        agentId: it.agentId,
        owner: { kind: 'investigation', id: it.id, step },
        ticketId: it.ticketId,
        ...move,
        gateId: null,
      },
      { signal: Context.current().cancellationSignal },
    );
  const after = (done: Execution): InvestigationTurn => ({ steps: done.step + 1, conclusion: null });

  const ofTicket = async (it: Investigation, ticketId: string): Promise<InvestigationTurn> => {
    const s = await store.read(it.tenantId, (tx) => situationOfTicket(tx, it.id, ticketId));
    const move = withoutAsking(analyst, s.brief, s.observations);
    if (move.kind === 'propose') return { steps: s.step, conclusion: move.args['report'] as Record<string, unknown> };
    if (move.kind === 'finish') return { steps: s.step, conclusion: { summary: move.summary } };
    return after(await call(it, s.step, move));
  };

  const ofTransaction = async (it: Investigation, transactionId: string): Promise<InvestigationTurn> => {
    const { decided, seen, step } = await store.read(it.tenantId, (tx) => caseOf(tx, it.id));
    const plan = decided.get('plan');
    if (!plan && model) return { steps: step, conclusion: null, consult: 'plan' };
    const tools = plan ? (plan.decision['tools'] as Look[]) : planOf(it.mode);
    if (!plan)
      await store.write(it.tenantId, (tx) =>
        writeDecision(tx, it, byRules('plan', `what a ${it.mode} investigation looks at`, { tools })),
      );
    const left = tools.find((tool) => !seen.some((s) => s.tool === tool));
    if (left !== undefined && isLook(left))
      return after(await call(it, step, { tool: left, args: { transaction_id: transactionId }, why: looks[left] }));
    const draft = seen.some((s) => s.tool === backTest) ? null : weigh(seen).draft;
    if (draft) {
      const args = { transaction_id: transactionId, conditions: draft.conditions };
      return after(await call(it, step, { tool: backTest, args, why: 'what the drafted rule would have flagged' }));
    }
    if (model && !decided.has('narrative')) return { steps: step, conclusion: null, consult: 'narrative' };
    return { steps: step, conclusion: {} };
  };

  return {
    /** One step of evidence; the conclusion when there is nothing more to gather. */
    async investigate(input: { tenantId: string; investigationId: string; step: number }): Promise<InvestigationTurn> {
      const it = await store.read(input.tenantId, (tx) => investigations.byId(tx, input.investigationId));
      if (!it) throw new NotFound(`no investigation ${input.investigationId}`);
      if (it.transactionId !== null) return ofTransaction(it, it.transactionId);
      if (it.ticketId === null) throw new NotFound(`investigation ${it.id} is about nothing`);
      return ofTicket(it, it.ticketId);
    },
  };
};

import { Context } from '@temporalio/activity';
import { v5 } from 'uuid';
import type { Counted as CountedStep } from '../../db/executions';
import { writeNote } from '../../db/notes';
import { runs } from '../../db/runs';
import { gateOfAccess, newAccess, type AccessRequest } from '../../domain/access';
import { NotFound } from '../../domain/errors';
import { newGate, type Gate } from '../../domain/gate';
import type { Harness, Move, Report } from '../../domain/harness';
import { isEnded, type Run } from '../../domain/run';
import type { Call, Execution } from '../../pipeline/call';
import { wasCarriedOut } from '../../pipeline/run';
import type { Deps } from '../deps';
import { agentActor } from '../lifecycle/runs';
import { ask, harnessOf } from './ask';
import { after, situationOfRun, type Situation } from './brief';

export interface RunRef {
  tenantId: string;
  runId: string;
}
export interface StepInput extends RunRef {
  step: number;
}
/** What people are asked to approve. The arguments stay in the ledger, at the step where the pipeline escalated. */
export interface Proposal {
  action: string;
  target: string;
  reason: string;
  /** The step whose call was escalated: what is approved is that call. */
  step: number;
  digest: string;
}
/** How far the run is, as its row has it. */
export type Counted = Pick<Run, 'steps' | 'progress'>;
export interface Turn extends Counted {
  next:
    | { kind: 'more' }
    | { kind: 'slow'; step: number }
    | { kind: 'request_access'; access: AccessRequest; gate: Gate }
    | { kind: 'propose'; proposal: Proposal }
    | { kind: 'finish'; summary: string }
    /** No call passes any more: somebody is about to stop the run. */
    | { kind: 'fenced'; reason: string };
}

/**
 * How long a turn goes on: half a second; on a busy machine five steps, or it would be workflow tasks that keep it busy;
 * but never so long that the workflow task is lost. What people say gets in before each step, whatever the turn.
 */
const turnMs = 500;
const turnSteps = 5;
const longestTurnMs = 2_000;
const isOver = (taken: number, ms: number): boolean => (ms > turnMs && taken >= turnSteps) || ms > longestTurnMs;

type CallMove = Extract<Move, { kind: 'call' }>;

export const advanceActivities = (deps: Deps, harnesses: ReadonlyMap<string, Harness>) => {
  const { store, pipeline } = deps;

  const callOf = (
    s: Situation,
    move: Pick<CallMove, 'tool' | 'args'> & { why: string | null },
    gateId: string | null,
  ): Call => ({
    tenantId: s.run.tenantId,
    actor: agentActor(s.run),
    scopes: s.run.scopes,
    agentId: s.run.agentId,
    owner: { kind: 'run', id: s.run.id, step: s.step },
    ticketId: s.run.ticketId,
    tool: move.tool,
    args: move.args,
    why: move.why,
    gateId,
  });

  /** `counted` is null when another attempt had recorded the step, or the run has ended. */
  const carryOn = async (
    call: Call,
    signal: AbortSignal,
  ): Promise<{ done: Execution; counted: CountedStep | null }> => {
    let counted: CountedStep | null = null;
    const done = await pipeline.execute(call, { signal, onCounted: (c) => (counted = c) });
    return { done, counted };
  };
  const execute = async (call: Call, signal: AbortSignal): Promise<Execution> => (await carryOn(call, signal)).done;
  const look = (input: RunRef): Promise<Situation> =>
    store.read(input.tenantId, (tx) => situationOfRun(tx, input.runId));
  /** The situation with what people said until now. */
  const listen = async (input: RunRef): Promise<Situation> => {
    const s = await look(input);
    if (!s.said) return s;
    await deliver(input);
    return look(input);
  };

  /** Marks what the agent is about to see. */
  const deliver = (input: RunRef): Promise<void> =>
    store.write(input.tenantId, async (tx) => {
      const { rows } = await tx.query<{ id: string; number: number; ticket_id: string; author: string }>(
        `update steering_events set status = 'delivered', delivered_at = now() where run_id = $1 and status = 'pending'
         returning id, number, ticket_id, author`,
        [input.runId],
      );
      for (const row of rows) {
        tx.log({
          kind: 'steering.delivered',
          actor: { id: null, kind: 'system', name: 'wheelhouse' },
          subject: { kind: 'run', id: input.runId },
          transition: `steering:${row.id}`,
          ticketId: row.ticket_id,
          runId: input.runId,
          body: { event_id: row.number, author: row.author },
        });
      }
    });

  const counted = async (input: RunRef): Promise<Counted> => {
    const run = await store.read(input.tenantId, (tx) => runs.byId(tx, input.runId));
    if (!run) throw new NotFound(`no run ${input.runId}`);
    return { steps: run.steps, progress: run.progress };
  };

  /** The proposal itself is the kernel's business: the agent is asked what it would do without it. */
  const nextMove = ({ run, brief, observations }: Situation): Move =>
    ask(
      harnessOf(harnesses, run.harness),
      brief,
      observations.filter((o) => o.tool !== 'site.publish'),
    );

  /** Runs the proposed call against the pipeline: it escalates, and that is what people are asked about. */
  const propose = async (
    s: Situation,
    move: Extract<Move, { kind: 'propose' }>,
    signal: AbortSignal,
  ): Promise<Turn['next']> => {
    const call = callOf(s, { tool: move.tool, args: move.args, why: move.reason }, null);
    const execution = await execute(call, signal);
    if (execution.decision !== 'escalate') {
      const why = execution.reasons.map((r) => r.message).join('; ');
      return { kind: 'finish', summary: `not published: the proposal was refused (${execution.decision}): ${why}` };
    }
    const proposal = {
      action: move.action,
      target: move.target,
      reason: move.reason,
      step: execution.step,
      digest: pipeline.seal(call),
    };
    return { kind: 'propose', proposal };
  };

  const requestAccess = (s: Situation, move: Extract<Move, { kind: 'request_access' }>): Turn['next'] => {
    const id = v5(`access:${move.system}`, s.run.id);
    const requester = agentActor(s.run);
    const access = newAccess(
      {
        id,
        tenantId: s.run.tenantId,
        ticketId: s.run.ticketId,
        accessTicketId: v5('ticket', id),
        runId: s.run.id,
        agentId: s.run.agentId,
        gateId: v5('gate', id),
        resource: move.resource,
        permission: move.permission,
        accountRef: requester.name,
        reason: move.reason,
        assignmentGroup: 'Identity & Access',
        riskLevel: 'medium',
        lease: move.lease,
        requester,
        onBehalfOf: s.run.spawnedBy,
      },
      new Date().toISOString(),
    );
    return { kind: 'request_access', access, gate: newGate(gateOfAccess(access), access.createdAt, deps.gateTtlMs) };
  };

  return {
    callOf,
    counted,
    execute,
    nextMove,
    activities: {
      /** Quick steps, one after the other, for as long as a turn may last. Safe to repeat at any point: the ledger knows what was done. */
      async advance(input: StepInput & { proposing: boolean }): Promise<Turn> {
        const from = performance.now();
        const signal = Context.current().cancellationSignal;
        let s = await listen(input);
        for (let taken = 0; ; taken += 1) {
          const turn = (next: Turn['next']): Turn => ({ steps: s.run.steps, progress: s.run.progress, next });
          if (s.fence !== null) return turn({ kind: 'fenced', reason: s.fence });
          if (isEnded(s.run)) return turn({ kind: 'finish', summary: s.run.status });
          const move = nextMove(s);
          if (move.kind === 'finish') return turn({ kind: 'finish', summary: move.summary });
          if (move.kind === 'request_access') return turn(requestAccess(s, move));
          if (move.kind === 'propose') {
            // People are deciding already: what was proposed stands, and what was said since is answered beside it.
            if (!input.proposing) return turn({ kind: 'finish', summary: 'answered' });
            const next = await propose(s, move, signal);
            return { ...(await counted(input)), next };
          }
          if (isOver(taken, performance.now() - from)) return turn({ kind: 'more' });
          const call = callOf(s, move, null);
          if (await pipeline.isSlow(call)) return turn({ kind: 'slow', step: s.step });
          const { done, counted: count } = await carryOn(call, signal);
          // A call that went as it should changes what was recorded, and nothing else: it is looked at once a turn.
          s = count && !count.said && wasCarriedOut(done) ? after(s, done, count) : await listen(input);
        }
      },

      /** What was said while people decide: answered in a note, once, and acknowledged. */
      async answerSteering(input: RunRef): Promise<void> {
        const s = await look(input);
        if (!s.unanswered) return;
        const move = nextMove(s);
        const report = move.kind === 'propose' ? (move.args['report'] as Report) : null;
        await store.write(input.tenantId, async (tx) => {
          const { rows } = await tx.query<{ id: string; number: number }>(
            `update steering_events set status = 'acknowledged', acknowledged_at = now()
             where run_id = $1 and status = 'delivered' returning id, number`,
            [input.runId],
          );
          for (const row of rows) {
            const answer = report?.steering.find((a) => a.id === row.id)?.answer;
            const by = agentActor(s.run);
            tx.log({
              kind: 'steering.acknowledged', actor: by, subject: { kind: 'run', id: s.run.id }, transition: `acknowledged:${row.id}`,
              ticketId: s.run.ticketId, runId: s.run.id, agentId: s.run.agentId, body: { event_id: row.number, answer: answer ?? null },
            }); // prettier-ignore
            if (!answer) continue;
            await writeNote(tx, {
              ticketId: s.run.ticketId, key: `steering:${row.id}`, source: 'agent', author: by.name, actor: by, body: answer,
              externalRef: `steering:${row.number}`,
            }); // prettier-ignore
          }
        });
      },
    },
  };
};

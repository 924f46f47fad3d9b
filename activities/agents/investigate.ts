import { Context } from '@temporalio/activity';
import { investigations } from '../../db/investigations';
import type { Read } from '../../db/tx';
import type { Brief, Harness, Move, Observation } from '../../domain/harness';
import type { Investigation, InvestigationEvent } from '../../domain/investigation';
import { NotFound } from '../../domain/errors';
import type { Actor } from '../../domain/principal';
import { agentScopes } from '../../domain/scopes';
import type { Deps } from '../deps';
import { stands } from '../lifecycle/record';
import { ask } from './ask';
import { situationOfTicket } from './brief';

const kinds: Record<'open' | InvestigationEvent['type'], string> = {
  open: 'investigation.opened',
  begin: 'investigation.begun',
  conclude: 'investigation.concluded',
  fail: 'investigation.failed',
  time_out: 'investigation.timed_out',
  interrupt: 'investigation.interrupted',
};

/** Steps are counted as they are recorded, perhaps after the workflow looked: the count never goes back. */
async function counted(tx: Read, next: Investigation): Promise<Investigation> {
  const { rows } = await tx.query<{ steps: number }>('select steps from investigations where id = $1 for update', [
    next.id,
  ]);
  return { ...next, steps: Math.max(next.steps, rows[0]?.steps ?? 0) };
}

/** An investigation asks nobody: a system that it would need access to is one it could not look at. */
function withoutAsking(
  analyst: Harness,
  brief: Brief,
  observations: readonly Observation[],
): Exclude<Move, { kind: 'request_access' }> {
  const move = ask(analyst, brief, observations);
  if (move.kind !== 'request_access') return move;
  const access = [...brief.access, { system: move.lease.system, status: 'not_requested', credentialRef: null }];
  return withoutAsking(analyst, { ...brief, access }, observations);
}

/** The investigator of a ticket's evidence: the analyst's plan, through the same pipeline, without asking or proposing. */
export const investigateActivities = ({ store, pipeline }: Deps, analyst: Harness) => ({
  recordInvestigation: (
    next: Investigation,
    t: { event: keyof typeof kinds; transition: string },
  ): Promise<{ investigation: Investigation; applied: boolean }> =>
    store.write(next.tenantId, async (tx) => {
      const written = await (t.event === 'open'
        ? investigations.insert(tx, next)
        : investigations.move(tx, await counted(tx, next)));
      if (!written) {
        const investigation = await investigations.byId(tx, next.id);
        if (!investigation) throw new Error(`no row for investigation ${next.id}`);
        return { investigation, applied: await stands(tx, next.id, next.version, t.transition) };
      }
      tx.log({
        kind: kinds[t.event],
        actor: written.startedBy,
        subject: { kind: 'investigation', id: written.id },
        version: written.version,
        transition: t.transition,
        ticketId: written.ticketId,
        agentId: written.agentId,
        decision: t.event === 'fail' ? 'error' : 'allow',
        reason: written.error,
        body: { status: written.status, mode: written.mode, steps: written.steps },
      });
      return { investigation: written, applied: true };
    }),

  /** One step of evidence; the conclusion when there is nothing more to gather. */
  async investigate(input: {
    tenantId: string;
    investigationId: string;
    step: number;
  }): Promise<{ steps: number; conclusion: Record<string, unknown> | null }> {
    const { it, s } = await store.read(input.tenantId, async (tx) => {
      const row = await investigations.byId(tx, input.investigationId);
      if (!row) throw new NotFound(`no investigation ${input.investigationId}`);
      return { it: row, s: await situationOfTicket(tx, row.id, row.ticketId) };
    });
    const move = withoutAsking(analyst, s.brief, s.observations);
    if (move.kind === 'propose') return { steps: s.step, conclusion: move.args['report'] as Record<string, unknown> };
    if (move.kind === 'finish') return { steps: s.step, conclusion: { summary: move.summary } };
    const actor: Actor = { id: it.agentId, kind: 'agent', name: 'investigator' };
    const done = await pipeline.execute(
      {
        tenantId: it.tenantId,
        actor,
        scopes: agentScopes,
        agentId: it.agentId,
        owner: { kind: 'investigation', id: it.id, step: s.step },
        ticketId: it.ticketId,
        tool: move.tool,
        args: move.args,
        why: move.why,
        gateId: null,
      },
      { signal: Context.current().cancellationSignal },
    );
    return { steps: done.step + 1, conclusion: null };
  },
});

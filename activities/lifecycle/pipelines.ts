import { v5 } from 'uuid';
import { workingAgent } from '../../db/agents';
import { heldPipeline, pipelines } from '../../db/pipelines';
import { tickets } from '../../db/tickets';
import type { Read, Write } from '../../db/tx';
import { promptOf } from '../../domain/agent';
import { NotFound } from '../../domain/errors';
import { cut } from '../../domain/evidence';
import { isOver, moved, step } from '../../domain/pipeline';
import type { Moved, Pipeline, PipelineEvent, PipelineStep } from '../../domain/pipeline';
import { system, type Actor } from '../../domain/principal';
import { newRun } from '../../domain/run';
import { agentScopes } from '../../domain/scopes';
import { closedStatuses } from '../../domain/ticket';
import type { Deps } from '../deps';
import { writtenBefore as made } from './record';
import { draftStepTask, type StepDraft } from './step-tasks';

export type PipelineTransition = { transition: string } & (
  { event: null; draft: Pipeline } | { event: PipelineEvent; at: string }
);

const usualAgent = 'analyst';

/** The ticket that the steps of a pipeline work on, where nobody named one. */
async function ownTicket(tx: Write, p: Pipeline): Promise<string> {
  const at = new Date().toISOString();
  const ticket = await tickets.insert(tx, {
    id: v5('ticket', p.id), tenantId: p.tenantId, number: 0, title: `Run of ${p.name}`.slice(0, 240).toWellFormed(),
    description: p.steps.map((s) => `${s.order}. ${s.name}`).join('\n'), ticketClass: 'UserRequest', status: 'in_progress',
    previousStatus: null, priority: null, assignee: null, assigneeTeam: null, owningGroup: null, provider: 'local', providerRef: null,
    providerSyncStatus: 'local_only', externalUrl: null, parentTicketId: null, runId: null, requesterName: null, requesterEmail: null,
    affectedUserName: null, affectedUserEmail: null, securityClassification: 'internal', accessScope: {}, createdBy: p.startedBy,
    createdByLabel: null, createdAt: at, updatedAt: at,
  }); // prettier-ignore
  if (!ticket) throw new Error(`pipeline ${p.id} has a ticket that it does not know of`);
  tx.log({
    kind: 'ticket.created',
    actor: p.startedBy,
    subject: { kind: 'ticket', id: ticket.id },
    ticketId: ticket.id,
    body: { ticket_id: ticket.number, ticket_class: ticket.ticketClass, status: ticket.status, label: null },
  });
  return ticket.id;
}

const insert = async (tx: Write, p: Pipeline): Promise<Pipeline | null> => {
  if (await pipelines.byId(tx, p.id)) return null;
  const ticketId = p.ticketId ?? (p.carriedOutBy === 'runs' ? await ownTicket(tx, p) : null);
  return pipelines.insert(tx, { ...p, ticketId });
};

const kinds = { start: 'started', try: 'step_started', step_end: 'step_ended' } as const;
const kindOf = (event: PipelineEvent | null): string =>
  `pipeline.${event === null ? 'queued' : event.type === 'end' ? event.status : kinds[event.type]}`;

const about = (p: Pipeline, event: PipelineEvent | null): Record<string, unknown> => {
  if (event?.type === 'try') return { step: event.step, attempt: p.steps[event.step]?.attempts, run_id: event.runId };
  if (event?.type === 'step_end') return { step: event.step, status: event.status, told: cut(event.text, 500) };
  return { status: p.status, told: cut(p.result ?? p.error ?? '', 500) };
};

async function write(
  tx: Write,
  next: Pipeline,
  event: PipelineEvent | null,
  transition: string,
): Promise<Pipeline | null> {
  const written = await (event === null ? insert(tx, next) : pipelines.move(tx, next));
  if (!written) return null;
  const actor: Actor = event === null ? written.startedBy : event.type === 'end' ? event.by : system;
  tx.log({
    kind: kindOf(event),
    actor,
    subject: { kind: 'pipeline', id: written.id },
    version: written.version,
    transition,
    ticketId: written.ticketId,
    runId: event?.type === 'try' ? event.runId : written.runId,
    decision: written.status === 'failed' ? 'error' : 'allow',
    reason: written.error,
    body: { pipeline_id: written.number, name: written.name, ...about(written, event) },
  });
  return written;
}

/** Of what came before, in characters: a run carries its prompt through the histories of both workflows. */
const mostBefore = 10_000;

/** What a step is told: its own work, what it is a part of, and what came of the steps before it. */
function promptFor(p: Pipeline, at: PipelineStep): string {
  const before = p.steps.filter((s) => s.order < at.order && s.result !== null);
  const each = Math.floor(mostBefore / Math.max(10, before.length));
  return [
    `Step “${at.name}” of ${p.name}.`,
    at.prompt,
    ...(before.length ? ['What came of the steps before:', ...before.map((s) => `- ${s.name}: ${cut(s.result ?? '', each)}`)] : []),
  ].join('\n\n'); // prettier-ignore
}

async function draft(tx: Read, p: Pipeline, index: number, attempt: number, at: string): Promise<StepDraft> {
  const wanted = p.steps[index];
  const ticket = p.ticketId === null ? null : await tickets.byId(tx, p.ticketId);
  if (!wanted || !ticket) return { run: null, reason: 'there is nothing to work on' };
  if (closedStatuses.includes(ticket.status))
    return { run: null, reason: `ticket ${ticket.number} is ${ticket.status}` };
  if (wanted.task) return draftStepTask(tx, p, { index, attempt, at, ticketId: ticket.id, task: wanted.task });
  const name = wanted.agent ?? usualAgent;
  const working = await workingAgent(tx, name);
  if (!working) return { run: null, reason: `the agent ${name} may not work here now` };
  const { agent, definition } = working;
  const run = newRun(
    {
      id: v5(`step:${index}:${attempt}`, p.id), tenantId: p.tenantId, agentId: agent.id, ticketId: ticket.id, harness: agent.harness,
      model: definition?.model ?? agent.model, profileId: null, prompt: promptOf(definition, promptFor(p, wanted)),
      scopes: agentScopes.filter((s) => p.scopes.includes(s)), triggerKind: 'assigned', definitionVersion: agent.currentVersion || null,
      spawnedBy: p.startedBy,
    },
    at,
  ); // prettier-ignore
  return { run: { ...run, taskType: 'pipeline_step' }, title: `${p.name}: ${wanted.name}` };
}

export const pipelineActivities = ({ store }: Pick<Deps, 'store'>) => ({
  /**
   * Opens a pipeline, or moves what stands: steps that go on together may come in another order after a crash. Not
   * applied: it is over. @throws NotFound
   */
  recordPipeline: (
    { tenantId, id }: Pick<Pipeline, 'tenantId' | 'id'>,
    t: PipelineTransition,
  ): Promise<Moved & { applied: boolean }> =>
    store.write(tenantId, async (tx) => {
      const opened = t.event === null ? await write(tx, t.draft, null, t.transition) : null;
      const standing = opened ?? (await heldPipeline(tx, id));
      if (!standing) throw new NotFound(`no pipeline ${id}`);
      if (t.event === null || (await made(tx, id, t.transition))) return { ...moved(standing, t.event), applied: true };
      if (isOver(standing)) return { ...moved(standing, t.event), applied: false };
      const next = await write(tx, step(standing, t.event, t.at), t.event, t.transition);
      if (!next) throw new Error(`pipeline ${id} moved while it was held`);
      return { ...moved(next, t.event), applied: true };
    }),

  /** The run that is to try a step, or why there can be none; a repeat drafts the same one. */
  draftStep: (of: {
    tenantId: string;
    pipelineId: string;
    step: number;
    attempt: number;
    at: string;
  }): Promise<StepDraft> =>
    store.read(of.tenantId, async (tx) => {
      const p = await pipelines.byId(tx, of.pipelineId);
      return p ? draft(tx, p, of.step, of.attempt, of.at) : { run: null, reason: 'there is no such pipeline' };
    }),

  /** A pipeline whose workflow is gone without having said so. False when its row has moved on. */
  abandonPipeline: (p: Pipeline): Promise<boolean> =>
    store.write(p.tenantId, async (tx) => {
      const event: PipelineEvent = { type: 'end', status: 'failed', text: 'its workflow was terminated', by: system };
      const { rows } = await tx.query<{ at: Date }>('select now() as at');
      const next = step(p, event, (rows[0]?.at ?? new Date()).toISOString());
      return (await write(tx, next, event, 'abandoned')) !== null;
    }),
});

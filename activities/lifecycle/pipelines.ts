import { v5 } from 'uuid';
import { workingAgent } from '../../db/agents';
import { pipelines } from '../../db/pipelines';
import { tickets } from '../../db/tickets';
import type { Read, Write } from '../../db/tx';
import { promptOf } from '../../domain/agent';
import { NotFound } from '../../domain/errors';
import { cut } from '../../domain/evidence';
import type { Pipeline, PipelineEvent, PipelineStep } from '../../domain/pipeline';
import { step } from '../../domain/pipeline';
import { system, type Actor } from '../../domain/principal';
import { newRun, type Run } from '../../domain/run';
import { agentScopes } from '../../domain/scopes';
import { closedStatuses } from '../../domain/ticket';
import type { Deps } from '../deps';
import { writtenBefore as made } from './record';

export interface PipelineTransition {
  /** Null: it is opened. */
  event: PipelineEvent | null;
  transition: string;
}
export type StepDraft = { run: Run; title: string } | { run: null; reason: string };

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

async function write(tx: Write, next: Pipeline, { event, transition }: PipelineTransition): Promise<Pipeline | null> {
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

/** What a step is told: its own work, what it is a part of, and what came of the steps before it. */
function promptFor(p: Pipeline, at: PipelineStep): string {
  const before = p.steps.filter((s) => s.order < at.order && s.result !== null);
  return [
    `Step “${at.name}” of ${p.name}.`,
    at.prompt,
    ...(before.length ? ['What came of the steps before:', ...before.map((s) => `- ${s.name}: ${cut(s.result ?? '', 1_000)}`)] : []),
  ].join('\n\n'); // prettier-ignore
}

async function draft(tx: Read, p: Pipeline, index: number, attempt: number, at: string): Promise<StepDraft> {
  const wanted = p.steps[index];
  const ticket = p.ticketId === null ? null : await tickets.byId(tx, p.ticketId);
  if (!wanted || !ticket) return { run: null, reason: 'there is nothing to work on' };
  if (closedStatuses.includes(ticket.status))
    return { run: null, reason: `ticket ${ticket.number} is ${ticket.status}` };
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
  recordPipeline: (next: Pipeline, t: PipelineTransition): Promise<{ pipeline: Pipeline; applied: boolean }> =>
    store.write(next.tenantId, async (tx) => {
      // By whatever version: steps that go on together may come in another order after a crash.
      const written = (await made(tx, next.id, t.transition)) ? null : await write(tx, next, t);
      if (written) return { pipeline: written, applied: true };
      const pipeline = await pipelines.byId(tx, next.id);
      if (!pipeline) throw new NotFound(`no pipeline ${next.id}`);
      return { pipeline, applied: await made(tx, next.id, t.transition) };
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
      return (await write(tx, next, { event, transition: 'abandoned' })) !== null;
    }),
});

import { v5 } from 'uuid';
import { sayOffered } from '../../../db/remote-leases';
import { insertOffer, offerOf } from '../../../db/remote-tasks';
import { workOf } from '../../../db/agent-work';
import { standingOf } from '../../../db/run-queries';
import { orderOf } from '../../../db/task-orders';
import type { Read } from '../../../db/tx';
import type { CommandOutcome } from '../../../domain/agent-process';
import { labelsOf, type RemoteBrief } from '../../../domain/remote-task';
import { isEnded, type Run } from '../../../domain/run';
import { orderRank, type TaskOrder } from '../../../domain/task-order';
import type { ToolEntry } from '../../../pipeline/call';
import type { Deps } from '../../deps';
import { callable, type Grant } from '../model/tools';
import { matterOf, type Matter } from '../command/told';

export interface Offer {
  tenantId: string;
  runId: string;
  /** From 1, of its run. Asked for again, the same is offered, or its outcome told. */
  offer: number;
}

const labels = (
  { run, ticket }: Matter,
  agent: Awaited<ReturnType<typeof workOf>>,
  order: TaskOrder | null,
): string[] =>
  labelsOf({
    harness: run.harness,
    agent: agent && `agent_${agent.number}`,
    agent_type: agent && agent.workType,
    type: order && order.kind,
    task_type: run.taskType,
    ticket_class: ticket.ticketClass,
    priority: ticket.priority,
    provider: ticket.provider,
    owning_group: ticket.owningGroup,
    assignee_team: ticket.assigneeTeam,
    security_classification: ticket.securityClassification,
    profile: run.profileId,
    model: run.model,
  });

const brief = ({ run, told }: Matter, tools: RemoteBrief['tools']): RemoteBrief => ({
  title: told.title,
  description: told.description,
  ticket_class: told.ticketClass,
  priority: told.priority,
  owning_group: told.owningGroup,
  classification: told.classification,
  task_type: run.taskType,
  model: run.model,
  prompt: told.prompt,
  before: told.before,
  attachments: told.attachments.map(({ id, filename, sizeBytes }) => ({ id, filename, size_bytes: sizeBytes })),
  skills: told.skills,
  tools,
});

async function mayCall(tx: Read, run: Run, catalogue: readonly ToolEntry[]): Promise<RemoteBrief['tools']> {
  const { rows } = await tx.query<{ [K in keyof Grant]: Grant[K] }>('select tool, effect from agent_grants where agent_id = $1', [run.agentId]);
  return callable(catalogue, run.scopes, rows).map(({ name, description, effect, schema }) => ({ name, description, effect, schema }));
} // prettier-ignore

export const remoteActivities = ({ store, pipeline }: Pick<Deps, 'store' | 'pipeline'>) => ({
  /** Has the task on offer, and says what came of it; null while it waits for somebody, or they work on it. */
  offerTask: async ({ tenantId, runId, offer }: Offer): Promise<CommandOutcome | null> => {
    const before = await store.read(tenantId, (tx) => offerOf(tx, runId, offer));
    if (before) return before.outcome;
    const catalogue = await pipeline.catalogue(tenantId);
    return store.write(tenantId, async (tx) => {
      const [matter, { fence }] = await Promise.all([matterOf(tx, runId), standingOf(tx, runId)]);
      const { run, ticket } = matter;
      if (fence !== null || isEnded(run)) return { is: 'stopped', why: fence ?? run.status };
      const [agent, order] = [await workOf(tx, run.agentId), await orderOf(tx, runId)];
      const minutes = run.runtime?.timeout_minutes ?? 0;
      const made = await insertOffer(tx, {
        id: v5(`offer:${offer}`, runId),
        runId,
        offer,
        rank: orderRank(order?.priority ?? null, ticket.priority, run.taskType),
        labels: labels(matter, agent, order),
        brief: brief(matter, await mayCall(tx, run, catalogue)),
        limitMs: minutes === 0 ? null : Math.round(minutes * 60_000),
      });
      if (!made) throw new Error(`an offer before ${offer} of agent ${run.number} is not over`);
      sayOffered(tx, run, made);
      return null;
    });
  },
});

import { v5 } from 'uuid';
import { promptOf, taskHarness, triggerText, type Agent } from '../domain/agent';
import type { Actor } from '../domain/principal';
import type { RunRuntime } from '../domain/runtime';
import { newRun, type Run } from '../domain/run';
import { agentScopes } from '../domain/scopes';
import { closedStatuses, type Ticket } from '../domain/ticket';
import { currentDefinition } from './agents';
import { tickets } from './tickets';
import type { Write } from './tx';

/**
 * The one ticket that an agent works on by itself, made when it is first needed, and again once people have closed it. The
 * agent is held, so that it is made once.
 */
async function standingTicket(tx: Write, agent: Agent, by: Actor): Promise<Ticket> {
  const stands = agent.ticketId === null ? null : await tickets.byId(tx, agent.ticketId);
  if (stands && !closedStatuses.includes(stands.status)) return stands;
  const at = new Date().toISOString();
  const ticket = await tickets.insert(tx, {
    id: v5(`standing:${agent.ticketId ?? ''}`, agent.id), tenantId: agent.tenantId, number: 0,
    title: `Work of agent ${agent.name}`, description: agent.description, ticketClass: 'UserRequest', status: 'in_progress',
    previousStatus: null, priority: null, assignee: null, assigneeTeam: null, owningGroup: null, provider: 'local', providerRef: null,
    providerSyncStatus: 'local_only', externalUrl: null, parentTicketId: agent.ticketId, runId: null, requesterName: null,
    requesterEmail: null, affectedUserName: null, affectedUserEmail: null, securityClassification: 'internal', accessScope: {},
    createdBy: by, createdByLabel: null, createdAt: at, updatedAt: at,
  }); // prettier-ignore
  if (!ticket) throw new Error(`agent ${agent.id} has a ticket that it does not know of`);
  await tx.query('update agents set ticket_id = $2 where id = $1', [agent.id, ticket.id]);
  tx.log({
    kind: 'ticket.created',
    actor: by,
    subject: { kind: 'ticket', id: ticket.id },
    ticketId: ticket.id,
    agentId: agent.id,
    body: { ticket_id: ticket.number, ticket_class: ticket.ticketClass, status: ticket.status, label: null },
  });
  return ticket;
}

export interface Trigger {
  /** Of the run: a repeat has the same. */
  id: string;
  /** What its agent is told; unset: why it was started. */
  said?: string;
  /** Unset: what its agent runs with is its harness's own. */
  runtime?: RunRuntime | null;
  kind: 'manual' | 'scheduled';
  context: Record<string, unknown>;
  by: Actor;
  /** Cut down to what an agent may have. */
  scopes: readonly string[];
}

/** A run of the agent on its own ticket, as it goes by now; nothing of the run is written yet. The agent is held. */
export async function draftRun(tx: Write, agent: Agent, trigger: Trigger): Promise<{ ticket: Ticket; run: Run }> {
  const ticket = await standingTicket(tx, agent, trigger.by);
  const current = await currentDefinition(tx, agent);
  const run = newRun(
    {
      id: trigger.id,
      tenantId: agent.tenantId,
      agentId: agent.id,
      ticketId: ticket.id,
      harness: taskHarness(agent),
      runtime: trigger.runtime ?? null,
      model: current?.definition.model ?? agent.model,
      profileId: null,
      prompt: promptOf(current?.definition ?? null, trigger.said ?? triggerText(trigger.kind, trigger.context)),
      scopes: agentScopes.filter((s) => trigger.scopes.includes(s)),
      triggerKind: trigger.kind,
      definitionVersion: current?.version ?? null,
      spawnedBy: trigger.by,
    },
    new Date().toISOString(),
  );
  return { ticket, run };
}

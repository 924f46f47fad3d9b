import { listGates } from '../../../db/changes';
import { listTickets, saveTicket, ticketById } from '../../../db/ticket-queries';
import { tickets as ticketRows } from '../../../db/tickets';
import { closedStatuses, priorityRank, type Ticket, type TicketStatus } from '../../../domain/ticket';
import { ticketClassOf, withStatus } from '../../../domain/ticket-moves';
import type { tickets } from '../../contracts/agentic/tickets';
import type { HandlerOf, Handlers } from '../../kernel';
import { contextOf } from './context';
import { say } from './notes';
import { heldTicket, seenTicket } from './seen';
import { ticketView } from './ticket-views';
import { changeView } from './views';

/** No external provider is configured, so none has to be told. */
function providerResult(status: TicketStatus, close: boolean): { status: string; reason: string } {
  if (!close) return { status: 'skipped', reason: 'not_requested' };
  const reason = closedStatuses.includes(status) ? 'provider_not_synced' : 'status_not_terminal';
  return { status: 'skipped', reason };
}

const setStatus: HandlerOf<(typeof tickets)['setTicketStatus']> = ({ params, body }, ctx) =>
  ctx.write(async (tx) => {
    const ticket = await heldTicket(ctx, tx, params.ticket_id);
    const { note, fresh } = await say(ctx, tx, ticket, {
      source: 'ticket-status',
      author: body.actor ?? ctx.actor.name,
      body: `Status: ${ticket.status} to ${body.status}${body.reason ? `. ${body.reason}` : ''}`,
      visibility: 'internal',
      externalRef: `status:${body.status}:${ticket.number}`,
    });
    if (fresh) {
      await saveTicket(tx, withStatus(ticket, body.status));
      tx.log({
        kind: 'ticket.status_changed',
        actor: ctx.actor,
        subject: { kind: 'ticket', id: ticket.id },
        ticketId: ticket.id,
        reason: body.reason ?? null,
        body: { from: ticket.status, to: body.status, note_id: note.number, label: body.actor ?? null },
      });
    }
    return {
      status: body.status,
      ticket_id: ticket.number,
      note_id: note.number,
      provider_result: providerResult(body.status, body.close_provider),
    };
  });

/** What an assignment changes, field by field, in words. */
function changesOf(before: Ticket, after: Ticket): string[] {
  const fields = { assignee: 'assignee', team: 'assigneeTeam', group: 'owningGroup', priority: 'priority' } as const;
  return Object.entries(fields)
    .filter(([, f]) => before[f] !== after[f])
    .map(([label, f]) => `${label} ${before[f] ?? 'none'} to ${after[f] ?? 'none'}`);
}

/** What the request gives; what it leaves out stays. */
const given = <T>(value: T | undefined, standing: T): T => (value === undefined ? standing : value);

export const ticketHandlers: Handlers<typeof tickets> = {
  listTickets: async ({ query }, ctx) => {
    const { limit, offset } = query;
    const state = query.agent_state;
    const assigned = query.agent_only || state === 'assigned' ? true : state === 'unassigned' ? false : null;
    const found = await ctx.read((tx) =>
      listTickets(tx, {
        only: ctx.principal.ticketId,
        status: query.status ?? null,
        priority: query.priority === undefined ? null : priorityRank(query.priority),
        assignee: query.assignee ?? null,
        assigned,
        agentState: state === 'running' || state === 'completed' ? state : null,
        provider: query.provider ?? null,
        text: query.q ?? null,
        sortBy: query.sort_by,
        descending: query.sort_dir === 'desc',
        limit,
        offset,
      }),
    );
    return { tickets: found.tickets.map(ticketView), total: found.total, limit, offset };
  },

  createTicket: async ({ body }, ctx) => {
    const id = ctx.newId();
    const now = new Date().toISOString();
    const ticket = await ctx.write(async (tx) => {
      const written = await ticketRows.insert(tx, {
        id,
        tenantId: ctx.tenantId,
        number: 0,
        title: body.title,
        description: body.description,
        ticketClass: ticketClassOf(body.ticket_class),
        status: body.status,
        previousStatus: null,
        priority: body.priority,
        assignee: body.assignee ?? null,
        assigneeTeam: body.assignee_team ?? null,
        owningGroup: body.owning_group ?? null,
        provider: body.provider,
        providerRef: body.provider_ref ?? null,
        providerSyncStatus: 'local_only',
        externalUrl: null,
        parentTicketId: null,
        runId: null,
        requesterName: body.requester_name ?? null,
        requesterEmail: body.requester_email ?? null,
        affectedUserName: body.affected_user_name ?? null,
        affectedUserEmail: body.affected_user_email ?? null,
        securityClassification: body.security_classification,
        accessScope: body.access_scope,
        createdBy: ctx.actor,
        createdByLabel: body.created_by ?? null,
        createdAt: now,
        updatedAt: now,
      });
      if (written) {
        tx.log({
          kind: 'ticket.created',
          actor: ctx.actor,
          subject: { kind: 'ticket', id },
          ticketId: id,
          body: {
            ticket_id: written.number,
            ticket_class: written.ticketClass,
            status: written.status,
            label: written.createdByLabel,
          },
        });
      }
      const stands = await ticketById(tx, id);
      if (!stands) throw new Error(`no row for ticket ${id}`);
      return stands;
    });
    const reason = body.auto_assign ? 'no_enabled_policy' : 'not_requested';
    return {
      ...ticketView(ticket),
      auto_assignment: { status: 'skipped' as const, reason, rule_id: null, agent_id: null },
    };
  },

  getTicket: ({ params }, ctx) =>
    ctx.read(async (tx) => {
      const ticket = await seenTicket(ctx, tx, params.ticket_id);
      const gates = await listGates(tx, { only: null, status: null, agent: null, ticket: ticket.number }, 100, 0);
      const { runId, tenantId } = ticket;
      return {
        ...ticketView(ticket),
        agent_instance_id: runId,
        agent_heartbeat: ticket.runHeartbeat,
        agent_error: ticket.runError,
        change_requests: gates.map((g) => changeView(ctx, g)),
        workflow_url: runId === null ? null : ctx.kernel.temporal.link({ kind: 'agentRun', tenantId, id: runId }),
      };
    }),

  getTicketContext: ({ params }, ctx) =>
    ctx.read(async (tx) => contextOf(ctx, tx, await seenTicket(ctx, tx, params.ticket_id))),

  setTicketStatus: setStatus,
  postTicket: setStatus,
  putTicket: setStatus,
  patchTicket: setStatus,

  assignTicket: ({ params, body }, ctx) =>
    ctx.write(async (tx) => {
      const before = await heldTicket(ctx, tx, params.ticket_id);
      const after: Ticket = {
        ...before,
        assignee: given(body.assignee, before.assignee),
        assigneeTeam: given(body.assignee_team, before.assigneeTeam),
        owningGroup: given(body.owning_group, before.owningGroup),
        priority: given(body.priority, before.priority),
      };
      const tier = body.escalation_tier === undefined ? [] : [`escalated to ${body.escalation_tier}`];
      const what = [...changesOf(before, after), ...tier].join('; ') || 'unchanged';
      const { note, fresh } = await say(ctx, tx, before, {
        source: 'ticket-assignment',
        author: body.actor ?? ctx.actor.name,
        body: `Assignment: ${what}${body.reason ? `. ${body.reason}` : ''}`,
        externalRef: `assignment:${before.number}`,
      });
      if (fresh) {
        await saveTicket(tx, after);
        tx.log({
          kind: 'ticket.assigned',
          actor: ctx.actor,
          subject: { kind: 'ticket', id: before.id },
          ticketId: before.id,
          reason: body.reason ?? null,
          body: {
            note_id: note.number, assignee: after.assignee, assignee_team: after.assigneeTeam, owning_group: after.owningGroup,
            priority: after.priority, escalation_tier: body.escalation_tier ?? null, label: body.actor ?? null,
          }, // prettier-ignore
        });
      }
      const ticket = ticketView(await seenTicket(ctx, tx, params.ticket_id));
      return { status: 'updated' as const, ticket, note_id: note.number };
    }),
};

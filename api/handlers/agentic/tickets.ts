import { listGates } from '../../../db/changes';
import { listTickets, saveTicket } from '../../../db/ticket-queries';
import { closedStatuses, priorityRank, type Ticket, type TicketStatus } from '../../../domain/ticket';
import { withStatus } from '../../../domain/ticket-moves';
import type { TicketLink } from '../../../domain/provider';
import { lockLink, saveLink } from '../../../db/ticket-links';
import type { Write } from '../../../db/tx';
import type { tickets } from '../../contracts/agentic/tickets';
import type { Ctx, HandlerOf, Handlers } from '../../kernel';
import { askedFor, closeResult } from './sync';
import { createTicket } from './create-ticket';
import { contextOf } from './context';
import { say } from './notes';
import { heldTicket, seenTicket } from './seen';
import { ticketView } from './ticket-views';
import { changeView } from './views';

const terminal = (status: TicketStatus): boolean => closedStatuses.includes(status);

/** Why the provider is not told to close it; null when it is to be. */
function notClosing(status: TicketStatus, close: boolean, link: TicketLink | null): string | null {
  if (!close) return 'not_requested';
  if (!terminal(status)) return 'status_not_terminal';
  return link?.remoteKey == null ? 'provider_not_synced' : null;
}

/** What a status means for the ticket's provider: to close it there too, or no longer to. */
async function forProvider(ctx: Ctx, tx: Write, link: TicketLink, status: TicketStatus, reason: string | null) {
  if (reason !== null) {
    await saveLink(tx, { ...link, closeReason: reason });
    askedFor(ctx, tx, link, 'close');
  } else if (link.closeReason !== null && !terminal(status)) {
    await saveLink(tx, { ...link, closeReason: null, attempts: 0, lastError: null, nextTryAt: null });
  }
}

const setStatus: HandlerOf<(typeof tickets)['setTicketStatus']> = async ({ params, body }, ctx) => {
  const done = await ctx.write(async (tx) => {
    const ticket = await heldTicket(ctx, tx, params.ticket_id);
    const link = await lockLink(tx, ticket.id);
    const skipped = notClosing(body.status, body.close_provider, link);
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
      const closing = skipped === null ? (body.reason ?? `Set to ${body.status}`) : null;
      if (link) await forProvider(ctx, tx, link, body.status, closing);
    }
    return { ticket, note, skipped };
  });
  const { ticket, note, skipped } = done;
  return {
    status: body.status,
    ticket_id: ticket.number,
    note_id: note.number,
    provider_result: skipped === null ? await closeResult(ctx, ticket.id) : { status: 'skipped', reason: skipped },
  };
};

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

  createTicket,

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

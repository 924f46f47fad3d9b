import { listGates } from '../../../db/changes';
import { listTickets, saveTicket } from '../../../db/ticket-queries';
import { closedStatuses, priorityRank, type TicketStatus } from '../../../domain/ticket';
import { withStatus } from '../../../domain/ticket-moves';
import type { TicketLink } from '../../../domain/provider';
import { lockLink, saveLink } from '../../../db/ticket-links';
import type { Write } from '../../../db/tx';
import type { tickets } from '../../contracts/agentic/tickets';
import type { Ctx, HandlerOf, Handlers } from '../../kernel';
import { assignTicket } from './assignment';
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

  assignTicket,
};

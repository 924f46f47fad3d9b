import { linkByRemote, saveLink } from '../../../db/ticket-links';
import { ticketById, type TicketView } from '../../../db/ticket-queries';
import { tickets as rows } from '../../../db/tickets';
import type { Write } from '../../../db/tx';
import { Conflict, Invalid } from '../../../domain/errors';
import { newLink } from '../../../domain/provider';
import type { Ticket } from '../../../domain/ticket';
import { ticketClassOf } from '../../../domain/ticket-moves';
import type { tickets } from '../../contracts/agentic/tickets';
import type { Ctx, HandlerOf } from '../../kernel';
import { activeProvider, hasProvider, syncSoon, wantPushed } from './sync';
import { ticketView } from './ticket-views';

/**
 * Ties a new ticket to what its provider has already. @throws Invalid when that is no number; Conflict when another ticket is it
 */
async function tie(tx: Write, ticket: Ticket, key: string): Promise<void> {
  if (!/^[1-9]\d{0,9}$/.test(key))
    throw new Invalid('provider_ref: must be the number of a ticket at the provider', { field: 'provider_ref' });
  const other = await linkByRemote(tx, 'itop', key);
  if (other)
    throw new Conflict(`provider_ref: another ticket is that of the provider`, {
      field: 'provider_ref',
      ticket_id: (await rows.byId(tx, other.ticketId))?.number ?? null,
    });
  const link = newLink({ ticketId: ticket.id, tenantId: ticket.tenantId, provider: 'itop' });
  await saveLink(tx, { ...link, remoteClass: ticket.ticketClass, remoteKey: key });
}

type Created = Parameters<HandlerOf<(typeof tickets)['createTicket']>>[0]['body'];

/** Which provider it is of, and whether that is to have it. */
async function destination(ctx: Ctx, tx: Write, body: Created) {
  const provider = body.provider ?? (body.sync_provider === false ? 'local' : await activeProvider(ctx, tx));
  const told = provider !== 'local' && body.sync_provider !== false && (await hasProvider(ctx, tx, provider));
  return { provider, told };
}

async function write(ctx: Ctx, tx: Write, body: Created): Promise<{ ticket: TicketView; told: boolean }> {
  const id = ctx.newId();
  const now = new Date().toISOString();
  const { provider, told } = await destination(ctx, tx, body);
  const written = await rows.insert(tx, {
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
    provider,
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
    if (told && body.provider_ref !== undefined) await tie(tx, written, body.provider_ref);
    else if (told) await wantPushed(ctx, tx, written, provider);
  }
  const ticket = await ticketById(tx, id);
  if (!ticket) throw new Error(`no row for ticket ${id}`);
  return { ticket, told };
}

/** The ticket stands whatever its provider says; who creates it waits a while for that. */
export const createTicket: HandlerOf<(typeof tickets)['createTicket']> = async ({ body }, ctx) => {
  const { ticket, told } = await ctx.write((tx) => write(ctx, tx, body));
  if (told) await syncSoon(ctx, ticket.id);
  const now = told ? await ctx.read((tx) => ticketById(tx, ticket.id)) : ticket;
  const reason = body.auto_assign ? 'no_enabled_policy' : 'not_requested';
  return {
    ...ticketView(now ?? ticket),
    auto_assignment: { status: 'skipped' as const, reason, rule_id: null, agent_id: null },
  };
};

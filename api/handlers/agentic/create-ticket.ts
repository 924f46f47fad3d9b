import { linkByRemote, saveLink } from '../../../db/ticket-links';
import { giveUpPlace } from '../../../db/raci';
import { ticketById, type TicketView } from '../../../db/ticket-queries';
import { tickets as rows } from '../../../db/tickets';
import type { Write } from '../../../db/tx';
import { Conflict, Invalid, isRefusal } from '../../../domain/errors';
import { newLink } from '../../../domain/provider';
import type { Ticket } from '../../../domain/ticket';
import { ticketClassOf } from '../../../domain/ticket-moves';
import type { tickets } from '../../contracts/agentic/tickets';
import { assign, type Assignment, type Rules } from '../../../pipeline/assignment';
import type { Ctx, HandlerOf } from '../../kernel';
import { harnessesHere, settingsOf } from './harnesses-here';
import { openRun } from './spawn';
import { activeProvider, hasProvider, syncSoon, wantPushed } from './sync';
import { ticketView } from './ticket-views';

/**
 * Ties a new ticket to what its provider has already. @throws Invalid when that is no number; Conflict when another ticket is it
 */
async function tie(tx: Write, ticket: Ticket, key: string, remoteClass: string): Promise<void> {
  if (!/^[1-9]\d{0,9}$/.test(key))
    throw new Invalid('provider_ref: must be the number of a ticket at the provider', { field: 'provider_ref' });
  const other = await linkByRemote(tx, 'itop', key);
  if (other)
    throw new Conflict(`provider_ref: another ticket is that of the provider`, {
      field: 'provider_ref',
      ticket_id: (await rows.byId(tx, other.ticketId))?.number ?? null,
    });
  const link = newLink({ ticketId: ticket.id, tenantId: ticket.tenantId, provider: 'itop' });
  await saveLink(tx, { ...link, remoteClass, remoteKey: key });
}

type Created = Parameters<HandlerOf<(typeof tickets)['createTicket']>>[0]['body'];

/** Which provider it is of, and whether that is to have it. */
async function destination(ctx: Ctx, tx: Write, body: Created) {
  const provider = body.provider ?? (body.sync_provider === false ? 'local' : await activeProvider(ctx, tx));
  const told = provider !== 'local' && body.sync_provider !== false && (await hasProvider(ctx, tx, provider));
  return { provider, told };
}

interface Written {
  ticket: TicketView;
  told: boolean;
  /** What the rules say of it; null: nobody asked for that. */
  assignment: Assignment | null;
}

const rulesOf = async ({ kernel }: Ctx, tx: Write): Promise<Rules> => ({
  settings: settingsOf(kernel),
  here: await harnessesHere(kernel, tx),
  most: kernel.config.autoAssignmentsPerRule,
});

async function write(ctx: Ctx, tx: Write, body: Created): Promise<Written> {
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
        auto_assign: body.auto_assign,
      },
    });
    if (told && body.provider_ref !== undefined)
      await tie(tx, written, body.provider_ref, body.provider_class ?? written.ticketClass);
    else if (told) await wantPushed(ctx, tx, written, provider);
  }
  const ticket = await ticketById(tx, id);
  if (!ticket) throw new Error(`no row for ticket ${id}`);
  return { ticket, told, assignment: body.auto_assign ? await assign(tx, ticket, await rulesOf(ctx, tx)) : null };
}

/** Sets the agent to work that a rule has a place for. What keeps it from that frees the place. */
async function assigned(ctx: Ctx, ticket: TicketView, found: Assignment | null) {
  if (found?.status !== 'assigned')
    return {
      status: 'skipped' as const,
      reason: found?.reason ?? 'not_requested',
      rule_id: null,
      score: null,
      agent_id: null,
    };
  const { rule, score, run, stands } = found;
  const of = { rule_id: rule.number, score };
  try {
    const opened = stands ? run : await openRun(ctx, ticket, run);
    return { status: 'assigned' as const, reason: `rule ${rule.name}`, ...of, agent_id: opened.number };
  } catch (e) {
    if (!isRefusal(e)) {
      ctx.kernel.logger.warn(
        { err: e, ticket: ticket.id },
        'an agent was not set to work at once; the reader of the log does',
      );
      return { status: 'error' as const, reason: 'started_later', ...of, agent_id: null };
    }
    await ctx.write(async (tx) => {
      await giveUpPlace(tx, ticket.id, e.message);
      tx.log({
        kind: 'ticket.auto_assignment_failed', actor: ctx.actor, subject: { kind: 'ticket', id: ticket.id }, ticketId: ticket.id,
        decision: 'deny', reason: e.message, body: { ticket_id: ticket.number, rule_id: rule.number },
      }); // prettier-ignore
    });
    return { status: 'error' as const, reason: e.message, ...of, agent_id: null };
  }
}

/** The ticket stands whatever its provider says; who creates it waits a while for that. */
export const createTicket: HandlerOf<(typeof tickets)['createTicket']> = async ({ body }, ctx) => {
  const { ticket, told, assignment } = await ctx.write((tx) => write(ctx, tx, body));
  const auto_assignment = await assigned(ctx, ticket, assignment);
  if (told) await syncSoon(ctx, ticket.id);
  const moved = told || auto_assignment.status === 'assigned';
  const now = moved ? await ctx.read((tx) => ticketById(tx, ticket.id)) : ticket;
  return { ...ticketView(now ?? ticket), auto_assignment };
};

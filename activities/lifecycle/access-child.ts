import { lockLink, saveLink } from '../../db/ticket-links';
import { lockTicket } from '../../db/ticket-queries';
import { tickets } from '../../db/tickets';
import type { Write } from '../../db/tx';
import type { AccessRequest } from '../../domain/access';
import { newLink, type TicketLink } from '../../domain/provider';
import type { Actor } from '../../domain/principal';
import type { Ticket, TicketStatus } from '../../domain/ticket';

// The ticket that the owning group sees: here, and at a provider where the request says so.

const listed = (label: string, names: readonly string[]): string[] =>
  names.length ? [`${label}: ${names.join(', ')}`] : [];

/** What the owning group has to know: for which ticket, who, which account, who else has a part in it, and why. */
function descriptionOf(a: AccessRequest, parent: Pick<Ticket, 'number' | 'title'> | null): string {
  const { raci } = a;
  return [
    ...(parent ? [`For ticket ${parent.number}: ${parent.title}`] : []),
    `${a.requester.name}${a.onBehalfOf ? `, on behalf of ${a.onBehalfOf.name},` : ''} needs ${a.permission} on ${a.resource}.`,
    ...(a.accountRef === null ? [] : [`Account: ${a.accountRef}`]),
    ...(raci
      ? [
          `Responsible: ${raci.responsible}`,
          `Accountable: ${raci.accountable}`,
          ...listed('Consulted', raci.consulted),
          ...listed('Informed', raci.informed),
        ]
      : []),
    ...(a.reason === null ? [] : [`Reason: ${a.reason}`]),
  ].join('\n');
}

/** Whoever reads the log starts what tells the provider; the API does so at once. */
const tell = (tx: Write, a: AccessRequest, by: Actor, link: TicketLink, want: 'create' | 'close'): void =>
  void tx.log({
    kind: 'ticket.sync_requested',
    actor: by,
    subject: { kind: 'ticket', id: a.accessTicketId },
    ticketId: a.accessTicketId,
    body: { provider: link.provider, want },
  });

export async function openChild(tx: Write, a: AccessRequest): Promise<void> {
  const parent = await tickets.byId(tx, a.ticketId);
  const child = await tickets.insert(tx, {
    id: a.accessTicketId,
    tenantId: a.tenantId,
    number: 0,
    title: `Access: ${a.permission} on ${a.resource}`.slice(0, 240).toWellFormed(),
    description: descriptionOf(a, parent),
    ticketClass: 'UserRequest',
    status: 'new',
    previousStatus: null,
    priority: '3',
    assignee: null,
    assigneeTeam: a.assignmentGroup,
    owningGroup: a.assignmentGroup,
    provider: 'local',
    providerRef: null,
    providerSyncStatus: 'local_only',
    externalUrl: null,
    parentTicketId: a.ticketId,
    runId: null,
    requesterName: a.label ?? a.requester.name,
    requesterEmail: null,
    affectedUserName: null,
    affectedUserEmail: null,
    securityClassification: parent?.securityClassification ?? 'internal',
    accessScope: {},
    createdBy: a.requester,
    createdByLabel: a.label,
    createdAt: a.createdAt,
    updatedAt: a.createdAt,
  });
  if (!child || !a.syncProvider) return;
  const of = { ticketId: a.accessTicketId, tenantId: a.tenantId, provider: a.syncProvider };
  const link: TicketLink = { ...newLink(of), push: 'create' };
  await saveLink(tx, link);
  tell(tx, a, a.requester, link, 'create');
}

/** The request is over, and so is its ticket: at the provider as well, which is told why. */
export async function endChild(
  tx: Write,
  a: AccessRequest,
  by: Actor,
  status: TicketStatus,
  why: string,
): Promise<void> {
  await lockTicket(tx, a.accessTicketId);
  await tx.query('update tickets set status = $2, updated_at = now() where id = $1', [a.accessTicketId, status]);
  const link = await lockLink(tx, a.accessTicketId);
  if (!link) return;
  await saveLink(tx, { ...link, closeReason: why });
  tell(tx, a, by, link, 'close');
}

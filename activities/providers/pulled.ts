import { aliveRuns } from '../../db/run-queries';
import { newNote } from '../../db/notes';
import { steerNote } from '../../db/steer';
import { insertLink, lockLink, savePulled, saveLink } from '../../db/ticket-links';
import { lockTicket, saveTicket } from '../../db/ticket-queries';
import { notes, tickets } from '../../db/tickets';
import type { Write } from '../../db/tx';
import { merged } from '../../domain/provider-merge';
import { isLeft, newLink, type ProviderName, type RemoteTicket, type TicketLink } from '../../domain/provider';
import { system, type Actor } from '../../domain/principal';
import { activeStatuses } from '../../domain/run';
import { ticketClassOf } from '../../domain/ticket-moves';
import type { Ticket } from '../../domain/ticket';

/** How a ticket that had no row here was come by. */
export type Found = 'discovery' | 'full_sync' | 'request';

export const providerActor = (name: ProviderName): Actor => ({ ...system, name });

const shown = ['title', 'description', 'status', 'priority', 'assignee', 'assigneeTeam', 'requesterName', 'requesterEmail'] as const; // prettier-ignore
const snake = (name: string): string => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);

/** The log says which fields changed, and of the short ones how: descriptions are as long as people like. */
const changesOf = (before: Ticket, after: Ticket): Record<string, unknown> =>
  Object.fromEntries(
    shown
      .filter((f) => before[f] !== after[f])
      .map((f) => [snake(f), f === 'description' ? 'changed' : { from: before[f], to: after[f] }]),
  );

/** A ticket that the provider has and this does not. Null when it stands by now. */
async function adopt(
  tx: Write,
  id: string,
  provider: ProviderName,
  remote: RemoteTicket,
  found: Found,
): Promise<Ticket | null> {
  const { fields } = remote;
  const at = new Date().toISOString();
  const ticket = await tickets.insert(tx, {
    id, tenantId: tx.tenantId, number: 0, title: fields.title, description: fields.description,
    ticketClass: ticketClassOf(remote.ticketClass), status: fields.state ?? 'new', previousStatus: null, priority: fields.priority,
    assignee: fields.assignee, assigneeTeam: fields.assigneeTeam, owningGroup: null, provider, providerRef: remote.key,
    providerSyncStatus: 'synced', externalUrl: remote.url, parentTicketId: null, runId: null, requesterName: fields.requesterName,
    requesterEmail: fields.requesterEmail, affectedUserName: null, affectedUserEmail: null, securityClassification: 'internal',
    accessScope: {}, createdBy: providerActor(provider), createdByLabel: provider, createdAt: at, updatedAt: at,
  }); // prettier-ignore
  if (ticket)
    tx.log({
      kind: 'ticket.created',
      actor: providerActor(provider),
      subject: { kind: 'ticket', id },
      ticketId: id,
      body: {
        ticket_id: ticket.number, ticket_class: ticket.ticketClass, status: ticket.status, label: provider, provider,
        provider_ref: remote.key, found, auto_assign: found === 'discovery',
      },
    }); // prettier-ignore
  return ticket;
}

/** Each new entry of a log there is one note here, once, and is told to the agents that work on the ticket. */
async function takeEntries(tx: Write, ticket: Ticket, provider: ProviderName, remote: RemoteTicket): Promise<number> {
  let fresh = 0;
  for (const { field, author, text, hash } of remote.entries) {
    if (text === '') continue;
    const externalRef = `${provider}:${remote.ticketClass}:${remote.key}:${field}:${hash}`;
    const visibility = field === 'public_log' ? 'public' : 'internal';
    const actor = providerActor(provider);
    const note = await notes.insert(
      tx,
      newNote(tx.tenantId, {
        ticketId: ticket.id,
        key: externalRef,
        source: provider,
        author,
        actor,
        body: text,
        externalRef,
        visibility,
      }),
    );
    if (!note) continue;
    fresh += 1;
    tx.log({
      kind: 'note.added',
      actor,
      subject: { kind: 'ticket', id: ticket.id },
      ticketId: ticket.id,
      body: { note_id: note.number, source: note.source, author, visibility, external_ref: externalRef },
    });
    await steerNote(tx, note, actor);
  }
  return fresh;
}

const isWorkedOn = async (tx: Write, ticketId: string): Promise<boolean> =>
  (await aliveRuns(tx, ticketId)).some((r) => activeStatuses.includes(r.status));

/** Brings the ticket to what the provider says of it, field by field, with its entries; gives the link as it stands then. */
export async function takePulled(
  tx: Write,
  ticketId: string,
  provider: ProviderName,
  remote: RemoteTicket,
  found: Found,
): Promise<TicketLink> {
  const held = found === 'request' ? await lockTicket(tx, ticketId) : null;
  const made = held ? null : await adopt(tx, ticketId, provider, remote, found);
  const ticket = held ?? made ?? (await lockTicket(tx, ticketId));
  if (!ticket) throw new Error(`no row for ticket ${ticketId}`);
  const standing = made ? null : await lockLink(tx, ticketId);
  const link = standing ?? newLink({ ticketId, tenantId: tx.tenantId, provider });
  const next = made ? made : merged(ticket, link.pulled, remote.fields, await isWorkedOn(tx, ticketId));
  const changes = changesOf(ticket, next);
  if (Object.keys(changes).length > 0) {
    await saveTicket(tx, next);
    await savePulled(tx, next);
    tx.log({
      kind: 'ticket.synced',
      actor: providerActor(provider),
      subject: { kind: 'ticket', id: ticketId },
      ticketId,
      body: { provider, provider_ref: remote.key, changes },
    });
  }
  const now: TicketLink = {
    ...link,
    remoteClass: remote.ticketClass,
    remoteKey: remote.key,
    lastError: isLeft(link) ? link.lastError : null,
    syncedAt: new Date().toISOString(),
    pulled: remote.fields,
    pulledDigest: remote.digest,
  };
  if (made) await insertLink(tx, now);
  else await saveLink(tx, now, remote.url);
  await takeEntries(tx, ticket, provider, remote);
  return now;
}

import { z } from 'zod';
import type { TicketLink } from '../domain/provider';
import { TicketLinkSchema } from '../domain/provider.schema';
import { syncStatusOf } from '../domain/provider';
import type { Ticket } from '../domain/ticket';
import { entity } from './entity';
import { prepared } from './prepared';
import type { Read } from './tx';

const links = entity('ticket_links', TicketLinkSchema, []);

export async function linkOf(tx: Read, ticketId: string): Promise<TicketLink | null> {
  const [link] = await links.list(tx, 'where ticket_id = $1', [ticketId]);
  return link ?? null;
}

/** Held until the transaction ends. Take the ticket first. */
export async function lockLink(tx: Read, ticketId: string): Promise<TicketLink | null> {
  const [link] = await links.list(tx, 'where ticket_id = $1 for update', [ticketId]);
  return link ?? null;
}

export async function linkByRemote(tx: Read, provider: string, key: string): Promise<TicketLink | null> {
  const [link] = await links.list(tx, 'where provider = $1 and remote_key = $2', [provider, key]);
  return link ?? null;
}

const kept = ['provider', 'remote_class', 'remote_key', 'push', 'close_reason', 'attempts', 'creating_until', 'last_error', 'next_try_at', 'synced_at', 'pulled', 'pulled_digest']; // prettier-ignore

/** Writes the link as it is by now, and what its ticket shows of it. */
export async function saveLink(tx: Read, link: TicketLink, externalUrl: string | null = null): Promise<void> {
  await tx.query(
    `insert into ticket_links (ticket_id, tenant_id, ${kept.join(', ')})
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
     on conflict (ticket_id) do update set ${kept.map((c) => `${c} = excluded.${c}`).join(', ')}`,
    [
      link.ticketId, link.tenantId, link.provider, link.remoteClass, link.remoteKey, link.push, link.closeReason, link.attempts,
      link.creatingUntil, link.lastError, link.nextTryAt, link.syncedAt, link.pulled, link.pulledDigest,
    ],
  ); // prettier-ignore
  await tx.query(
    `update tickets set provider = $2, provider_ref = $3, provider_sync_status = $4, external_url = coalesce($5, external_url)
     where id = $1 and (provider, provider_ref, provider_sync_status) is distinct from ($2, $3, $4)
       or id = $1 and $5 is distinct from external_url and $5 is not null`,
    [link.ticketId, link.provider, link.remoteKey, syncStatusOf(link), externalUrl],
  );
}

/** Writes what a look at the provider may have changed of a ticket, beside what people change. */
export async function savePulled(tx: Read, t: Ticket): Promise<void> {
  await tx.query(
    `update tickets set title = $2, description = $3, requester_name = $4, requester_email = $5, updated_at = now() where id = $1`,
    [t.id, t.title, t.description, t.requesterName, t.requesterEmail],
  );
}

const State = z.object({
  knownMax: z.number().nullable(),
  discoveredAt: z.date().nullable(),
  fullAt: z.date().nullable(),
  synced: z.int().nullable(),
  errors: z.int().nullable(),
  created: z.int().nullable(),
  lastError: z.string().nullable(),
});
export type ProviderState = z.output<typeof State>;

export async function providerState(tx: Read, provider: string): Promise<ProviderState | null> {
  const { rows } = await tx.query(
    `select known_max as "knownMax", discovered_at as "discoveredAt", full_at as "fullAt", synced, errors, created,
       last_error as "lastError" from provider_states where provider = $1`,
    [provider],
  );
  return rows[0] ? State.parse(rows[0]) : null;
}

/** Whether that slug is the tenant's. */
export async function isTenant(tx: Read, slug: string): Promise<boolean> {
  const { rows } = await prepared<{ slug: string }>(tx, 'select slug from tenants where id = $1', [tx.tenantId]);
  return rows[0]?.slug === slug;
}

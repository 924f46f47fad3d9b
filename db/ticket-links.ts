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

const kept = ['provider', 'remote_class', 'remote_key', 'push', 'fields', 'notes', 'close_reason', 'attempts', 'creating_until', 'last_error', 'next_try_at', 'synced_at', 'pulled', 'pulled_digest']; // prettier-ignore

const writeLink = (tx: Read, link: TicketLink) =>
  tx.query(
    `insert into ticket_links (ticket_id, tenant_id, ${kept.join(', ')}, notes_after)
     values ($1, $2, ${kept.map((_, i) => `$${i + 3}`).join(', ')},
       coalesce((select max(number) from ticket_notes where ticket_id = $1), 0))
     on conflict (ticket_id) do update set ${kept.map((c) => `${c} = excluded.${c}`).join(', ')}`,
    [
      link.ticketId, link.tenantId, link.provider, link.remoteClass, link.remoteKey, link.push, link.fields, link.notes,
      link.closeReason, link.attempts, link.creatingUntil, link.lastError, link.nextTryAt, link.syncedAt, link.pulled, link.pulledDigest,
    ],
    'write ticket_links',
  ); // prettier-ignore

/** Of a ticket that was written with what it shows of it. */
export const insertLink = async (tx: Read, link: TicketLink): Promise<void> => void (await writeLink(tx, link));

/** Writes the link as it is by now, and what its ticket shows of it. */
export async function saveLink(tx: Read, link: TicketLink, externalUrl: string | null = null): Promise<void> {
  await writeLink(tx, link);
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

/** What is left to be told to providers, and was to be tried again a while ago: its process may be gone. */
export async function overdue(tx: Read, provider: string, seconds: number, limit: number): Promise<string[]> {
  const { rows } = await prepared<{ id: string }>(
    tx,
    `select ticket_id as id from ticket_links where provider = $1
       and (push is not null or close_reason is not null or notes or fields <> '{}')
       and coalesce(next_try_at, '-infinity') < now() - make_interval(secs => $2) order by next_try_at nulls first limit $3`,
    [provider, seconds, limit],
  );
  return rows.map((r) => r.id);
}

/** Of those numbers, the ones that tickets here are known by, each with the digest of what was last seen of it. */
export async function knownRemotes(
  tx: Read,
  provider: string,
  keys: readonly string[],
): Promise<Map<string, { ticketId: string; digest: string | null }>> {
  const { rows } = await tx.query<{ key: string; ticketId: string; digest: string | null }>(
    `select remote_key as key, ticket_id as "ticketId", pulled_digest as digest from ticket_links
     where provider = $1 and remote_key = any($2)`,
    [provider, keys],
  );
  return new Map(rows.map(({ key, ...rest }) => [key, rest]));
}

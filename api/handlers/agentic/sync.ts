import { isTenant } from '../../../db/provider-states';
import { linkOf, lockLink, saveLink } from '../../../db/ticket-links';
import type { Read, Write } from '../../../db/tx';
import { BadGateway } from '../../../domain/errors';
import {
  newLink,
  type ProviderName,
  type RemoteRef,
  type SyncOutcome,
  type TicketLink,
} from '../../../domain/provider';
import type { Ticket } from '../../../domain/ticket';
import { ticketSyncStart } from '../../../workflows/start';
import { synced, ticketSync } from '../../../workflows/ticket-sync';
import type { Ctx } from '../../kernel';

// How the doors have a provider told of a ticket: what is to be told is written first, and looked after by its workflow.

/** Whether the caller's tenant has that provider. */
export async function hasProvider(ctx: Ctx, tx: Read, name: ProviderName): Promise<boolean> {
  const { itop } = ctx.kernel.config;
  return name === 'local' || (itop !== null && isTenant(tx, itop.tenant));
}

/** Where new tickets go when nobody says: as it is set, else to what is configured, else nowhere else. */
export async function activeProvider(ctx: Ctx, tx: Read): Promise<ProviderName> {
  const wanted = ctx.kernel.config.ticketProvider ?? 'itop';
  return (await hasProvider(ctx, tx, wanted)) ? wanted : 'local';
}

/** @throws BadGateway when the tenant has no such provider */
export async function neededProvider(ctx: Ctx, tx: Read, name: ProviderName): Promise<void> {
  if (!(await hasProvider(ctx, tx, name))) throw new BadGateway(`${name} is not configured`);
}

/** Says in the log that the provider is to be told something; whoever reads it starts what tells. */
export function askedFor(ctx: Ctx, tx: Write, link: TicketLink, want: 'create' | 'update' | 'close'): void {
  tx.log({
    kind: 'ticket.sync_requested',
    actor: ctx.actor,
    subject: { kind: 'ticket', id: link.ticketId },
    ticketId: link.ticketId,
    body: { provider: link.provider, want },
  });
}

/** Has the provider keep the ticket as well, or get what changed of it. Gives what it is told. */
export async function wantPushed(
  ctx: Ctx,
  tx: Write,
  ticket: Pick<Ticket, 'id' | 'tenantId'>,
  provider: ProviderName,
): Promise<'create' | 'update'> {
  const standing =
    (await lockLink(tx, ticket.id)) ?? newLink({ ticketId: ticket.id, tenantId: ticket.tenantId, provider });
  const push = standing.remoteKey === null ? 'create' : 'update';
  await saveLink(tx, { ...standing, push });
  askedFor(ctx, tx, standing, push);
  return push;
}

/** Looks after the ticket now, from the beginning, and answers what came of it. @throws Unavailable when that takes too long */
export const syncNow = (ctx: Ctx, ticketId: string, ref: RemoteRef | null = null): Promise<SyncOutcome> =>
  ctx.kernel.temporal.open(
    ticketSync,
    synced,
    ticketSyncStart({ tenantId: ctx.tenantId, ticketId, queue: ctx.kernel.temporal.queues.integrations, ref }),
    ctx.newId(`sync:${ticketId}`),
  );

/** Longer nobody waits for a provider whose answer is not what was asked for. */
const patienceMs = 4_000;

/** The same for as long as a caller waits who wanted something else; null: it is not known yet, and goes on by itself. */
export async function syncSoon(ctx: Ctx, ticketId: string): Promise<SyncOutcome | null> {
  const sync = syncNow(ctx, ticketId).catch((err: unknown) => {
    ctx.kernel.logger.debug({ err, ticketId }, 'a ticket was not synced at once; the reader of the log sees to it');
    return null;
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => (timer = setTimeout(resolve, patienceMs, null)));
  return Promise.race([sync, late]).finally(() => {
    clearTimeout(timer);
  });
}

/** Has the provider told what was written, without waiting for it. */
export const tellSoon = (ctx: Ctx, ticketId: string): void => void syncSoon(ctx, ticketId);

/** What `close_provider` came to. */
export async function closeResult(ctx: Ctx, ticketId: string): Promise<{ status: string; reason?: string }> {
  const outcome = await syncSoon(ctx, ticketId);
  if (outcome?.did.includes('left_open')) return { status: 'skipped', reason: 'provider_has_no_close' };
  if (outcome?.did.includes('closed')) return { status: 'closed' };
  const link = await ctx.read((tx) => linkOf(tx, ticketId));
  if (link?.closeReason == null) return { status: 'closed' };
  return link.lastError === null
    ? { status: 'pending', reason: 'the provider has not answered yet; it is tried until it does' }
    : { status: 'close_failed', reason: link.lastError };
}

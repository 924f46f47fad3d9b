import { v5 } from 'uuid';
import { providerState } from '../../../db/provider-states';
import { linkByRemote, linkOf } from '../../../db/ticket-links';
import { ticketById, type TicketView } from '../../../db/ticket-queries';
import { BadGateway, NotFound } from '../../../domain/errors';
import type { ProviderName, SyncOutcome } from '../../../domain/provider';
import { ticketClasses } from '../../../domain/ticket-moves';
import { providerSync, providerSynced } from '../../../workflows/provider-sync';
import { providerSyncStart } from '../../../workflows/start';
import type { providers } from '../../contracts/agentic/providers';
import type { Ctx, Handlers } from '../../kernel';
import { heldTicket, seenTicket } from './seen';
import { activeProvider, hasProvider, neededProvider, syncNow, wantPushed } from './sync';

const instantOf = (date: Date | null | undefined): string | null => date?.toISOString() ?? null;

/** A ticket as a sync answers it. */
const syncedView = (t: TicketView, isNew: boolean) => ({
  status: 'synced' as const,
  provider: t.provider === 'itop' ? ('itop' as const) : ('local' as const),
  provider_ref: t.providerRef,
  provider_class: t.remoteClass,
  itop_ref: t.providerRef,
  itop_class: t.remoteClass,
  ticket_id: t.number,
  is_new: isNew,
});
const localOnly = (ref: string | null, ticket: number | null) => ({
  status: 'local_only' as const, provider: 'local' as const, provider_ref: ref, provider_class: null, itop_ref: ref,
  itop_class: null, ticket_id: ticket, is_new: false,
}); // prettier-ignore

/** @throws NotFound when the provider has no such ticket; BadGateway with its words when it did not do what was asked */
function came(outcome: SyncOutcome): void {
  if (outcome.missing) throw new NotFound(outcome.error ?? 'the provider has no such ticket');
  if (outcome.error !== null) throw new BadGateway(outcome.error);
}

const ticketNow = async (ctx: Ctx, id: string): Promise<TicketView> => {
  const ticket = await ctx.read((tx) => ticketById(tx, id));
  if (!ticket) throw new Error(`no row for ticket ${id}`);
  return ticket;
};

/** @throws BadGateway when nothing could be looked at; Unavailable when it takes longer than a caller waits, and goes on */
async function syncAll(ctx: Ctx, provider: ProviderName) {
  if (provider === 'local') return { provider, synced: 0, errors: 0, new: 0 };
  await ctx.read((tx) => neededProvider(ctx, tx, provider));
  const { queues } = ctx.kernel.temporal;
  const { error, ...counts } = await ctx.kernel.temporal.open(
    providerSync,
    providerSynced,
    providerSyncStart({ tenantId: ctx.tenantId, provider, queue: queues.integrations, mode: 'everything' }),
    ctx.newId('sync-all'),
  );
  if (error !== null && counts.synced === 0) throw new BadGateway(error);
  return { provider, ...counts };
}

export const providerHandlers: Handlers<typeof providers> = {
  syncProvider: ({ params: { provider } }, ctx) => syncAll(ctx, provider),
  syncAllTickets: async ({ body }, ctx) => syncAll(ctx, body ?? (await ctx.read((tx) => activeProvider(ctx, tx)))),

  listProviders: (_input, ctx) =>
    ctx.read(async (tx) => {
      const [active, itop, state] = [
        await activeProvider(ctx, tx),
        await hasProvider(ctx, tx, 'itop'),
        await providerState(tx, 'itop'),
      ];
      const last = state && {
        at: instantOf(state.fullAt),
        discovered_at: instantOf(state.discoveredAt),
        synced: state.synced,
        errors: state.errors,
        new: state.created,
        error: state.lastError,
      };
      const ticket_classes = [...ticketClasses];
      return {
        providers: [
          { name: 'local' as const, ticket_classes, configured: true, active: active === 'local', last_sync: null },
          { name: 'itop' as const, ticket_classes, configured: itop, active: active === 'itop', last_sync: last },
        ],
      };
    }),

  syncProviderTicket: async ({ params: { provider }, body }, ctx) => {
    if (provider === 'local') return localOnly(body.ticket_ref, null);
    const ref = { ticketClass: body.ticket_class, key: body.ticket_ref };
    const known = await ctx.read(async (tx) => {
      await neededProvider(ctx, tx, provider);
      return linkByRemote(tx, provider, ref.key);
    });
    const id = known?.ticketId ?? v5(`${provider}:${ref.key}`, ctx.tenantId);
    const outcome = await syncNow(ctx, id, known ? null : ref);
    const found = outcome.instead ?? id;
    came(outcome.instead === null ? outcome : await syncNow(ctx, found));
    return syncedView(await ticketNow(ctx, found), known === null && outcome.instead === null);
  },

  syncTicket: async ({ params }, ctx) => {
    const { ticket, link } = await ctx.read(async (tx) => {
      const ticket = await seenTicket(ctx, tx, params.ticket_id);
      return { ticket, link: await linkOf(tx, ticket.id) };
    });
    if (!link) return localOnly(ticket.providerRef, ticket.number);
    came(await syncNow(ctx, ticket.id));
    return syncedView(await ticketNow(ctx, ticket.id), false);
  },

  pushTicket: async ({ params, body }, ctx) => {
    const { id, status, provider } = await ctx.write(async (tx) => {
      const ticket = await heldTicket(ctx, tx, params.ticket_id);
      const to = body.provider ?? (await activeProvider(ctx, tx));
      if (to === 'local') return { id: ticket.id, status: 'local_only' as const, provider: to };
      await neededProvider(ctx, tx, to);
      const pushed = await wantPushed(ctx, tx, ticket, to);
      return { id: ticket.id, status: pushed === 'create' ? ('created' as const) : ('updated' as const), provider: to };
    });
    if (status !== 'local_only') came(await syncNow(ctx, id));
    const ticket = await ticketNow(ctx, id);
    return {
      status,
      provider,
      ticket_id: ticket.number,
      provider_ref: ticket.providerRef,
      provider_class: ticket.remoteClass,
      provider_url: ticket.externalUrl,
    };
  },
};

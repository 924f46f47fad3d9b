import { isTenant } from '../../db/provider-states';
import { linkByRemote, linkOf } from '../../db/ticket-links';
import { tickets } from '../../db/tickets';
import {
  isLeft, Refused, retryAfterMs, syncStatusOf, type ProviderName, type RemoteRef, type SyncOutcome, type TicketLink, type TicketProvider,
} from '../../domain/provider'; // prettier-ignore
import type { Deps } from '../deps';
import { heartbeating } from '../heartbeating';
import { ticketOfMark, withoutOurs } from './mark';
import { tellNotes } from './notes';
import { providerActor, takePulled, type Found } from './pulled';
import { change, close, create, TooEarly, update, type Task } from './steps';

const nothing: SyncOutcome = {
  status: 'local_only',
  did: [],
  error: null,
  missing: false,
  retryMs: null,
  instead: null,
};

const remoteOf = (link: TicketLink | null): RemoteRef | null =>
  link?.remoteKey == null || link.remoteClass === null ? null : { ticketClass: link.remoteClass, key: link.remoteKey };

export const wordsOf = (e: unknown): string =>
  (e instanceof Error ? e.message : String(e)).slice(0, 1_000).toWellFormed();

export type SyncDeps = Pick<Deps, 'store' | 'masterKey' | 'provided'>;

/** The tenant's provider of that name; null when it has none. */
export async function providerOf(d: SyncDeps, tenantId: string, name: string): Promise<TicketProvider | null> {
  const { provided } = d;
  if (provided?.provider.name !== name) return null;
  return (await d.store.read(tenantId, (tx) => isTenant(tx, provided.tenant))) ? provided.provider : null;
}

/** What the row says is to be told to the provider, and then a look at what it has. */
async function lookAfter(t: Task, link: TicketLink): Promise<SyncOutcome> {
  const did: SyncOutcome['did'] = [];
  let now = link;
  if (now.push === 'create' && now.remoteKey === null) {
    now = await create(t, now);
    did.push('created');
  }
  const ref = remoteOf(now);
  if (!ref) return { ...nothing, status: syncStatusOf(now) };
  if (now.push === 'update' || now.fields.length > 0) {
    now = await update(t, ref, now);
    did.push('updated');
  }
  if (now.notes) {
    now = await tellNotes(t, ref, now);
    did.push('noted');
  }
  if (now.closeReason !== null) {
    const { link: closed, result } = await close(t, ref, now.closeReason);
    now = closed;
    did.push(result === 'closed' ? 'closed' : 'left_open');
  }
  const remote = await t.provider.get(ref, t.signal);
  if (!remote) {
    const error = `${t.provider.name} has no ${ref.ticketClass} ${ref.key} any more`;
    now = await change(t, (_tx, l) => ({ ...l, lastError: error }));
    return { ...nothing, did, status: syncStatusOf(now), error, missing: true };
  }
  const { tenantId, id } = t.ticket;
  now = await t.store.write(tenantId, async (tx) =>
    takePulled(tx, id, t.provider.name, await withoutOurs(t.masterKey, tx, remote), 'request'),
  );
  return { ...nothing, did, status: syncStatusOf(now) };
}

/** Keeps what went wrong with what is still to be done, and says when to try again. */
async function failed(t: Pick<Task, 'store' | 'ticket'>, e: unknown): Promise<SyncOutcome> {
  if (e instanceof TooEarly) {
    const link = await t.store.read(t.ticket.tenantId, (tx) => linkOf(tx, t.ticket.id));
    return {
      ...nothing,
      status: link ? syncStatusOf(link) : 'unknown',
      error: link?.lastError ?? e.message,
      retryMs: e.leftMs,
    };
  }
  const error = wordsOf(e);
  let retryMs: number | null = null;
  const now = await change(t, (tx, link) => {
    const left = isLeft(link);
    const attempts = left ? link.attempts + 1 : link.attempts;
    retryMs = left ? retryAfterMs(attempts) : null;
    if (link.lastError !== error)
      tx.log({
        kind: 'ticket.sync_failed',
        actor: providerActor(link.provider),
        subject: { kind: 'ticket', id: t.ticket.id },
        ticketId: t.ticket.id,
        decision: 'error',
        reason: error,
        body: {
          provider: link.provider, provider_ref: link.remoteKey, push: link.push, fields: link.fields, notes: link.notes,
          close: link.closeReason !== null,
        },
      }); // prettier-ignore
    return {
      ...link,
      attempts,
      lastError: error,
      nextTryAt: retryMs === null ? null : new Date(Date.now() + retryMs).toISOString(),
    };
  });
  return { ...nothing, status: syncStatusOf(now), error, retryMs };
}

/** A ticket that has no row yet: what the provider says of it becomes one, unless another of ours is it. */
async function bringIn(
  d: SyncDeps,
  provider: TicketProvider,
  at: { tenantId: string; ticketId: string; ref: RemoteRef; found: Found },
  signal: AbortSignal,
): Promise<SyncOutcome> {
  const { tenantId, ticketId, ref } = at;
  const remote = await provider.get(ref, signal);
  if (!remote)
    return {
      ...nothing,
      status: 'unknown',
      missing: true,
      error: `${provider.name} has no ${ref.ticketClass} ${ref.key}`,
    };
  return d.store.write(tenantId, async (tx) => {
    const ours = ticketOfMark(d.masterKey, tenantId, remote.mark);
    const waiting = ours === null ? null : await linkOf(tx, ours);
    const standing = await linkByRemote(tx, provider.name, remote.key);
    const instead = standing?.ticketId ?? (waiting?.push === 'create' && waiting.remoteKey === null ? ours : null);
    if (instead !== null && instead !== ticketId) return { ...nothing, status: 'unknown', instead };
    const others = await withoutOurs(d.masterKey, tx, remote);
    const link = await takePulled(tx, ticketId, provider.name, others, at.found);
    return { ...nothing, status: syncStatusOf(link) };
  });
}

export const syncActivities = (d: SyncDeps) => ({
  /** Looks after one ticket, once. Trouble with the provider is an outcome; what is thrown is trouble of our own. */
  async syncTicket(tenantId: string, ticketId: string, ref: RemoteRef | null): Promise<SyncOutcome> {
    const { ticket, link } = await d.store.read(tenantId, async (tx) => ({
      ticket: await tickets.byId(tx, ticketId),
      link: await linkOf(tx, ticketId),
    }));
    const name: ProviderName = link?.provider ?? 'itop';
    if (!link && !ref) return nothing;
    return heartbeating(async (signal) => {
      const provider = await providerOf(d, tenantId, name);
      const missing = new Refused(`${name} is not configured here`);
      if (!ticket || !link) {
        if (!ref) return nothing;
        if (!provider) return { ...nothing, status: 'unknown', error: missing.message };
        return bringIn(d, provider, { tenantId, ticketId, ref, found: 'request' }, signal).catch((e: unknown) => {
          if (signal.aborted) throw e;
          return { ...nothing, status: 'unknown' as const, error: wordsOf(e) };
        });
      }
      if (!provider) return failed({ ...d, ticket }, missing);
      const task: Task = { ...d, provider, ticket, signal };
      return lookAfter(task, link).catch((e: unknown) => {
        if (signal.aborted) throw e;
        return failed(task, e);
      });
    });
  },
});

import { lockLink, saveLink } from '../../db/ticket-links';
import { lockTicket } from '../../db/ticket-queries';
import type { Write } from '../../db/tx';
import {
  pushFields, Refused, type PushField, type RemoteChange, type RemoteDraft, type RemoteRef, type TicketLink, type TicketProvider,
} from '../../domain/provider'; // prettier-ignore
import { toTell } from '../../domain/provider-merge';
import { priorityRank, type Ticket } from '../../domain/ticket';
import type { Store } from '../../log/store';
import { markOf } from './mark';
import { providerActor } from './pulled';

/** One look after one ticket. */
export interface Task {
  store: Store;
  masterKey: Buffer;
  provider: TicketProvider;
  ticket: Ticket;
  signal: AbortSignal;
}

/** It may still be at a creation whose answer was lost: only later can be known whether there is a ticket. */
export class TooEarly extends Error {
  constructor(readonly leftMs: number) {
    super('it is not known yet whether the ticket was created');
  }
}

export const settled: Pick<TicketLink, 'attempts' | 'lastError' | 'nextTryAt'> = {
  attempts: 0,
  lastError: null,
  nextTryAt: null,
};

/** Changes the link as it stands by now, in one transaction with the entry that says so. */
export const change = (
  t: Pick<Task, 'store' | 'ticket'>,
  work: (tx: Write, link: TicketLink, ticket: Ticket) => TicketLink | Promise<TicketLink>,
): Promise<TicketLink> =>
  t.store.write(t.ticket.tenantId, async (tx) => {
    const ticket = await lockTicket(tx, t.ticket.id);
    const link = await lockLink(tx, t.ticket.id);
    if (!link || !ticket) throw new Error(`ticket ${t.ticket.id} has no provider`);
    const next = await work(tx, link, ticket);
    await saveLink(tx, next);
    return next;
  });

export const logOf = (t: Task, tx: Write, kind: string, body: Record<string, unknown>): void =>
  void tx.log({
    kind,
    actor: providerActor(t.provider.name),
    subject: { kind: 'ticket', id: t.ticket.id },
    ticketId: t.ticket.id,
    body: { provider: t.provider.name, ...body },
  });

const draftOf = (t: Ticket, mark: string): RemoteDraft => ({
  ticketClass: t.ticketClass,
  title: t.title,
  description: t.description,
  priority: priorityRank(t.priority),
  assigneeTeam: t.assigneeTeam,
  requester: { name: t.requesterName, email: t.requesterEmail },
  affectedUser: { name: t.affectedUserName, email: t.affectedUserEmail },
  mark,
});

/**
 * Has the provider create the ticket, once. That it may have is committed before it is asked; whoever comes after that, the
 * answer lost, looks for the mark first, and not before the provider must be done with what it was asked.
 */
export async function create(t: Task, link: TicketLink): Promise<TicketLink> {
  const { provider, ticket, signal } = t;
  const mark = markOf(t.masterKey, ticket.tenantId, ticket.id);
  if (link.creatingUntil !== null) {
    const leftMs = Date.parse(link.creatingUntil) - Date.now();
    if (leftMs > 0) throw new TooEarly(leftMs);
    const [first, ...others] = await provider.find(ticket.ticketClass, mark, signal);
    if (first) return bind(t, first, others);
  }
  const until = (ms: number) =>
    change(t, (_tx, l) => ({ ...l, creatingUntil: new Date(Date.now() + ms).toISOString() }));
  const allowed = await until(2 * provider.timeoutMs);
  if (allowed.push !== 'create' || allowed.remoteKey !== null) return allowed;
  let made: RemoteRef;
  try {
    made = await provider.create(draftOf(ticket, mark), signal);
  } catch (e) {
    // It answered, so it is done with it; whether the answer is the whole truth, the mark says.
    if (e instanceof Refused) await until(0);
    throw e;
  }
  return bind(t, made, []);
}

/** The provider's ticket is known; one that an attempt made which was thought dead is named, for people to close. */
const bind = (t: Task, ref: RemoteRef, others: readonly RemoteRef[]): Promise<TicketLink> =>
  change(t, (tx, link) => {
    const bound = link.remoteKey !== null && link.remoteKey !== ref.key;
    const strays = [...others.map((o) => o.key), ...(bound ? [ref.key] : [])];
    if (strays.length > 0) logOf(t, tx, 'ticket.provider_doubled', { provider_ref: link.remoteKey ?? ref.key, strays });
    if (link.remoteKey !== null) return { ...link, push: null, creatingUntil: null };
    logOf(t, tx, 'ticket.provider_created', { provider_ref: ref.key, provider_class: ref.ticketClass });
    return {
      ...link,
      ...settled,
      remoteClass: ref.ticketClass,
      remoteKey: ref.key,
      push: null,
      // A ticket is made for a team; who has it is said once it is there.
      fields: t.ticket.assignee === null ? link.fields : [...new Set([...link.fields, 'assignee' as const])],
      creatingUntil: null,
      syncedAt: new Date().toISOString(),
    };
  });

const valueOf = (ticket: Ticket, fields: readonly PushField[]): RemoteChange => {
  const priority = priorityRank(ticket.priority);
  return {
    ...(fields.includes('title') && { title: ticket.title }),
    ...(fields.includes('priority') && priority !== null && { priority }),
    ...(fields.includes('assignee') && ticket.assignee !== null && { assignee: ticket.assignee }),
    ...(fields.includes('assigneeTeam') && ticket.assigneeTeam !== null && { assigneeTeam: ticket.assigneeTeam }),
  };
};

/**
 * Brings the provider to what was changed here: all of it when it was pushed, else what was not changed there too. What was
 * changed here once more meanwhile stays to be told.
 */
export async function update(t: Task, ref: RemoteRef, link: TicketLink): Promise<TicketLink> {
  const { provider, ticket, signal } = t;
  const there = await provider.get(ref, signal);
  if (!there) throw new Refused(`${provider.name} has no ${ref.ticketClass} ${ref.key}`);
  const pushed = link.push === 'update';
  const { tell, conflicts } = toTell(
    ticket,
    pushed ? null : link.pulled,
    there.fields,
    pushed ? pushFields : link.fields,
  );
  const unknown = tell.length ? await provider.update(ref, valueOf(ticket, tell), signal) : [];
  return change(t, (tx, standing, now) => {
    const told = tell.filter((f) => !unknown.includes(f));
    if (told.length) logOf(t, tx, 'ticket.provider_updated', { provider_ref: ref.key, fields: told });
    if (conflicts.length || unknown.length)
      logOf(t, tx, 'ticket.provider_left_as_is', {
        provider_ref: ref.key,
        changed_there: conflicts,
        unknown_there: unknown,
      });
    const moved = pushFields.filter((f) => now[f] !== ticket[f]);
    const again = pushed && moved.length > 0 ? ('update' as const) : null;
    return {
      ...standing,
      ...settled,
      push: standing.push === 'update' ? again : standing.push,
      fields: standing.fields.filter((f) => !link.fields.includes(f) || moved.includes(f)),
    };
  });
}

export async function close(
  t: Task,
  ref: RemoteRef,
  solution: string,
): Promise<{ link: TicketLink; result: 'closed' | 'unsupported' }> {
  const { assignee, assigneeTeam } = t.ticket;
  const result = await t.provider.close(ref, { solution, assignee, assigneeTeam }, t.signal);
  const link = await change(t, (tx, link) => {
    logOf(t, tx, result === 'closed' ? 'ticket.provider_closed' : 'ticket.provider_left_open', {
      provider_ref: ref.key,
    });
    return { ...link, ...settled, closeReason: null };
  });
  return { link, result };
}

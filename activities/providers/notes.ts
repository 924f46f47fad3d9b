import { noteRefused, notesToTell, noteTold } from '../../db/provider-notes';
import { Refused, type RemoteRef, type TicketLink } from '../../domain/provider';
import type { Note } from '../../domain/ticket';
import { noteMarkOf, noteOfMark } from './mark';
import { change, logOf, settled, TooEarly, type Task } from './steps';

/** As many as are told between two looks at what is there. */
const atOnce = 20;

/** One note, once. That it may be there is committed before the provider is asked. */
async function tell(t: Task, ref: RemoteRef, note: Note): Promise<TicketLink> {
  const { provider, ticket, signal } = t;
  const until = (at: string | null) => change(t, (_tx, l) => ({ ...l, creatingUntil: at }));
  await until(new Date(Date.now() + 2 * provider.timeoutMs).toISOString());
  const mark = noteMarkOf(t.masterKey, ticket.tenantId, note.id);
  try {
    const isPublic = note.visibility !== 'internal';
    await provider.note(ref, { author: note.author, text: note.body, isPublic, mark }, signal);
  } catch (e) {
    if (!(e instanceof Refused)) throw e;
    return refused(t, ref, note, e);
  }
  return told(t, ref, note);
}

const told = (t: Task, ref: RemoteRef, note: Note): Promise<TicketLink> =>
  change(t, async (tx, link) => {
    if (await noteTold(tx, note))
      logOf(t, tx, 'ticket.provider_noted', { provider_ref: ref.key, note_id: note.number });
    return { ...link, ...settled, creatingUntil: null };
  });

/**
 * It answered, so it is done with it. Each time that it is due counts, not who asks meanwhile; after the last the note is
 * left to people, and those behind it go on.
 */
async function refused(t: Task, ref: RemoteRef, note: Note, why: Refused): Promise<TicketLink> {
  let over = false;
  const link = await change(t, async (tx, l) => {
    const due = l.nextTryAt === null || Date.parse(l.nextTryAt) <= Date.now();
    over = due && (await noteRefused(tx, note, why.message));
    if (over)
      logOf(t, tx, 'ticket.provider_note_given_up', {
        provider_ref: ref.key,
        note_id: note.number,
        reason: why.message,
      });
    return { ...l, ...(over && settled), creatingUntil: null };
  });
  if (!over) throw why;
  return link;
}

/**
 * Tells the provider what was noted here, in order. Whoever comes after an attempt whose answer was lost looks for the mark
 * of the note first, and not before the provider must be done with what it was asked.
 */
export async function tellNotes(t: Task, ref: RemoteRef, link: TicketLink): Promise<TicketLink> {
  const { tenantId, id: ticketId } = t.ticket;
  for (let now = link; ;) {
    const left = await t.store.read(tenantId, (tx) => notesToTell(tx, ticketId, atOnce));
    if (left.length === 0) {
      now = await change(t, async (tx, l) => ({ ...l, notes: (await notesToTell(tx, ticketId, 1)).length > 0 }));
      if (!now.notes) return change(t, (_tx, l) => ({ ...l, ...settled }));
      continue;
    }
    const remote = await t.provider.get(ref, t.signal);
    if (!remote) throw new Refused(`${t.provider.name} has no ${ref.ticketClass} ${ref.key}`);
    const there = new Set(remote.entries.map((e) => noteOfMark(t.masterKey, tenantId, e.mark)));
    for (const note of left) {
      if (there.has(note.id)) {
        now = await told(t, ref, note);
        continue;
      }
      const waitMs = now.creatingUntil === null ? 0 : Date.parse(now.creatingUntil) - Date.now();
      if (waitMs > 0) throw new TooEarly(waitMs);
      now = await tell(t, ref, note);
    }
  }
}

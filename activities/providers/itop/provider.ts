import type { RemoteDraft, RemoteRef, TicketProvider } from '../../../domain/provider';
import { Refused, saidIn } from '../../../domain/provider';
import { classes, fieldsOf, isRequest, parseFields, remoteTicket } from './read';
import { itopRest, type RestObject, type RestSettings } from './rest';
import { htmlOf } from './text';
import { assignTicket } from './assign';
import { closeTicket } from './close';
import { lookups } from './lookups';

export interface ItopAccount extends RestSettings {
  webBase: string;
  orgId: string | null;
  callerId: string | null;
  teamId: string | null;
  agentId: string | null;
}

/** By which priorities are set: iTop works out the priority of an incident or a request from both. */
const grades = [
  { impact: '1', urgency: '1' }, { impact: '2', urgency: '2' }, { impact: '3', urgency: '3' }, { impact: '3', urgency: '4' },
]; // prettier-ignore
const gradeOf = (priority: number | null) => grades[(priority ?? 3) - 1] ?? grades[2];

const personLine = (role: string, { name, email }: RemoteDraft['requester']): string[] =>
  (name ?? email) ? [`${role}: ${[name, email && `<${email}>`].filter(Boolean).join(' ')}`] : [];

/** Contacts first, as people read it, and at its end what it is found again by. */
function descriptionOf(draft: RemoteDraft): string {
  const contacts = [...personLine('Requester', draft.requester), ...personLine('Affected user', draft.affectedUser)];
  return htmlOf([contacts.join('\n'), draft.description, draft.mark].filter((part) => part.trim()).join('\n\n'));
}

const comment = 'wheelhouse';
const pageSize = 50;
/** A longer title is refused. */
const titleOf = (title: string): string => title.slice(0, 240).toWellFormed();

/** iTop over its REST services: docs/providers.md. */
export function itopProvider(account: ItopAccount): TicketProvider {
  const rest = itopRest(account);
  const look = lookups(rest, account);
  const ask = async (ref: RemoteRef, signal: AbortSignal) => {
    const { ticketClass, key } = ref;
    const { objects } = await rest(
      'core/get',
      { class: ticketClass, key, output_fields: fieldsOf(ticketClass) },
      signal,
    );
    return objects[0] ?? null;
  };

  const needed = async (ref: RemoteRef, signal: AbortSignal): Promise<RestObject> => {
    const object = await ask(ref, signal);
    if (!object) throw new Refused(`iTop has no ${ref.ticketClass} ${ref.key}`);
    return object;
  };

  return {
    name: 'itop',
    classes,
    timeoutMs: account.timeoutMs,
    pageSize,

    async check(signal) {
      const { user, password } = account;
      const { authorized } = await rest('core/check_credentials', { user, password }, signal);
      if (authorized === false) throw new Refused('iTop does not know this user and password');
    },

    async get(ref, signal) {
      const object = await ask(ref, signal);
      if (!object) return null;
      const ticket = remoteTicket(object, account);
      const requesterEmail = await look.email(parseFields(object).caller_id ?? null, signal);
      return { ...ticket, fields: { ...ticket.fields, requesterEmail } };
    },

    async find(ticketClass, mark, signal) {
      // Of a mark there is nothing that OQL could take for its own.
      const key = `SELECT ${ticketClass} WHERE description LIKE '%${mark}%'`;
      const { objects } = await rest('core/get', { class: ticketClass, key, output_fields: 'id' }, signal);
      return objects.map((o) => ({ ticketClass: o.class, key: o.key })).sort((a, b) => Number(a.key) - Number(b.key));
    },

    async create(draft, signal) {
      const { ticketClass } = draft;
      if (account.orgId === null)
        throw new Refused('ITOP_DEFAULT_ORG_ID is not set: iTop wants to know whose ticket it is');
      const team = draft.assigneeTeam === null ? null : await look.team(draft.assigneeTeam, signal);
      const caller = isRequest(ticketClass) ? await look.caller(draft.requester, signal) : null;
      const fields = {
        title: titleOf(draft.title),
        description: descriptionOf(draft),
        org_id: account.orgId,
        ...(caller !== null && { caller_id: caller }),
        ...(isRequest(ticketClass) && gradeOf(draft.priority)),
        ...(team !== null && { team_id: team }),
      };
      const { objects } = await rest(
        'core/create',
        { class: ticketClass, comment, output_fields: 'id', fields },
        signal,
      );
      const [made] = objects;
      if (!made) throw new Error('iTop said that it created a ticket, and not which');
      return { ticketClass: made.class, key: made.key };
    },

    async update(ref, { title, priority, ...holders }, signal) {
      const { ticketClass, key } = ref;
      const fields = {
        ...(title !== undefined && { title: titleOf(title) }),
        ...(priority !== undefined && isRequest(ticketClass) && gradeOf(priority)),
      };
      if (Object.keys(fields).length > 0)
        await rest('core/update', { class: ticketClass, key, comment, output_fields: 'id', fields }, signal);
      if (Object.keys(holders).length === 0) return [];
      return assignTicket(rest, look, await needed(ref, signal), holders, signal);
    },

    async note({ ticketClass, key }, note, signal) {
      // A change has no log that its caller reads.
      const log = note.isPublic && isRequest(ticketClass) ? 'public_log' : 'private_log';
      const message = htmlOf([saidIn(note), note.mark].join('\n\n'));
      const fields = { [log]: { add_item: { message, format: 'html' } } };
      await rest('core/update', { class: ticketClass, key, comment, output_fields: 'id', fields }, signal);
    },

    async close(ref, how, signal) {
      return closeTicket(rest, look, await needed(ref, signal), how, signal);
    },

    async list(ticketClass, above, page, signal) {
      const key = `SELECT ${ticketClass} WHERE id > ${Math.trunc(above)}`;
      const { objects } = await rest(
        'core/get',
        { class: ticketClass, key, output_fields: fieldsOf(ticketClass), limit: String(pageSize), page: String(page) },
        signal,
      ).catch((e: unknown) => {
        // An iTop without change management has no changes.
        if (e instanceof Refused && / is not a valid class/.test(e.message)) return { objects: [] };
        throw e;
      });
      return objects.map((o) => remoteTicket(o, account)).sort((a, b) => Number(a.key) - Number(b.key));
    },
  };
}

import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { RemoteEntry, RemoteFields, RemoteTicket } from '../../../domain/provider';
import type { TicketStatus } from '../../../domain/ticket';
import { storableText } from '../../../domain/storable';
import type { RestObject } from './rest';
import { wordsOfHtml } from './text';

// An object of iTop's as a ticket of ours.

const incidentLike = ['Incident', 'UserRequest'];
export const changes = ['RoutineChange', 'NormalChange', 'EmergencyChange'];
export const classes = [...incidentLike, ...changes];
/** Incidents and requests have what changes have not: a caller of their own, how urgent they are, a log for the caller. */
export const isRequest = (ticketClass: string): boolean => incidentLike.includes(ticketClass);

const common = ['title', 'description', 'status', 'team_id', 'team_name', 'agent_id', 'agent_name', 'private_log'];
export const fieldsOf = (ticketClass: string): string =>
  ['id', ...common, ...(isRequest(ticketClass) ? ['priority', 'impact', 'urgency', 'caller_id', 'caller_name', 'public_log'] : [])].join(','); // prettier-ignore

/** iTop's states of requests and changes. Whatever is between the start and the end is somebody's. */
const states: Record<string, TicketStatus> = {
  new: 'new', escalated_tto: 'new', waiting_for_approval: 'new',
  validated: 'assigned', approved: 'assigned', notapproved: 'assigned', assigned: 'assigned', escalated_ttr: 'assigned',
  dispatched: 'assigned', redispatched: 'assigned', pending: 'assigned', plannedscheduled: 'assigned',
  implemented: 'implemented', monitored: 'implemented', resolved: 'resolved', closed: 'closed', rejected: 'rejected',
}; // prettier-ignore

/** Numbers come as texts; 0 is nobody's. */
const text = z.union([z.string(), z.number()]).transform((v) => storableText(String(v)).trim() || null).nullish().catch(null); // prettier-ignore
const Log = z
  .object({
    entries: z.array(
      z.object({
        date: z.string(),
        user_login: z.string().nullish(),
        message: z.string(),
        message_html: z.string().nullish(),
      }),
    ),
  })
  .catch({ entries: [] });
const Fields = z.object({
  title: text, description: z.string().nullish().catch(null), status: text, priority: text, impact: text, urgency: text,
  agent_id: text, agent_name: text, team_id: text, team_name: text, caller_id: text, caller_name: text, public_log: Log, private_log: Log,
}); // prettier-ignore
export const parseFields = (object: RestObject) => Fields.parse(object.fields);

const sha = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex');

const noteMark = /\[wheelhouse-note:[0-9a-f-]{36}:[0-9a-f]{32}\]$/;

/** The same entry, written twice within a second, is two: the second says so. */
function entriesOf(field: RemoteEntry['field'], log: z.output<typeof Log>, user: string): RemoteEntry[] {
  const seen = new Map<string, number>();
  return log.entries.map(({ date, user_login, message, message_html }) => {
    const author = storableText(user_login ?? '').slice(0, 100) || 'itop';
    const base = sha([date, author, message]);
    const nth = seen.get(base) ?? 0;
    seen.set(base, nth + 1);
    const text = wordsOfHtml(message_html ?? message);
    return {
      field,
      author,
      text,
      mark: noteMark.exec(text)?.[0] ?? null,
      byUs: user_login === user,
      hash: (nth === 0 ? base : sha([base, nth])).slice(0, 32),
    };
  });
}

const markForm = /\[wheelhouse:[0-9a-f-]{36}:[0-9a-f]{32}\]/;

export function remoteTicket(object: RestObject, { webBase, user }: { webBase: string; user: string }): RemoteTicket {
  const f = parseFields(object);
  const words = wordsOfHtml(f.description ?? '');
  const mark = markForm.exec(words)?.[0] ?? null;
  const status = f.status ?? '';
  const fields: RemoteFields = {
    title: f.title ?? '(without a title)',
    description: (mark === null ? words : words.replace(mark, '')).trim(),
    status,
    state: states[status] ?? null,
    priority: f.priority ?? null,
    impact: f.impact ?? null,
    urgency: f.urgency ?? null,
    assignee: f.agent_name ?? null,
    assigneeTeam: f.team_name ?? null,
    requesterName: f.caller_name ?? null,
    requesterEmail: null,
  };
  // Oldest first: iTop lists the newest first.
  const entries = [
    ...entriesOf('public_log', f.public_log, user),
    ...entriesOf('private_log', f.private_log, user),
  ].reverse();
  const digest = sha([object.class, fields, entries.map((e) => e.hash)]);
  const query = new URLSearchParams({ operation: 'details', class: object.class, id: object.key });
  return {
    ticketClass: object.class, key: object.key, fields, entries, mark, digest,
    url: `${webBase}/pages/UI.php?${query.toString()}`,
  }; // prettier-ignore
}

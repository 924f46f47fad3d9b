import type { PushField, RemoteFields } from './provider';
import { closedStatuses, priorityRank, type Ticket, type TicketStatus } from './ticket';
import { withStatus } from './ticket-moves';

// What a look at the provider changes here, field by field.

type Shared = 'title' | 'description' | 'priority' | 'assignee' | 'assigneeTeam' | 'requesterName' | 'requesterEmail';

/**
 * `theirs`: what the provider changes, changes here. `both`: so it does, unless it was changed here too; then each keeps
 * its own, and the difference is shown. `empty`: it is taken where there is none here. Of `base` the first look at a ticket that was made from here has none.
 */
const rules: Record<Shared, 'theirs' | 'both' | 'empty'> = {
  title: 'theirs',
  description: 'theirs',
  priority: 'both',
  assignee: 'both',
  assigneeTeam: 'both',
  requesterName: 'empty',
  requesterEmail: 'empty',
};

const same = (field: Shared, a: string | null, b: string | null): boolean =>
  field === 'priority' ? priorityRank(a) === priorityRank(b) : a === b;

function field(name: Shared, ours: string | null, base: RemoteFields | null, theirs: RemoteFields): string | null {
  const next = theirs[name];
  const rule = rules[name];
  if (next === null || same(name, ours, next)) return ours;
  // A ticket that was made from here: what it says differently from the start is no change, nor is whom it was made for there.
  if (base === null) return rule === 'empty' ? ours : (ours ?? next);
  if (same(name, base[name], next)) return ours;
  if (rule === 'empty') return ours ?? next;
  return rule === 'theirs' || same(name, ours, base[name]) ? next : ours;
}

const waiting: readonly TicketStatus[] = ['awaiting_user_response', 'pending_approval', 'awaiting_access', 'blocked'];
const rank = (s: TicketStatus): number => ['new', 'assigned', 'in_progress'].indexOf(s);

/** A look never takes back what was reached here: their end counts; else ours, or our waiting; else who works on it. */
export function mergedStatus(ours: TicketStatus, theirs: TicketStatus | null, agentActive: boolean): TicketStatus {
  if (theirs === null) return ours;
  if (closedStatuses.includes(theirs)) return ours === 'closed' && theirs === 'resolved' ? ours : theirs;
  if (closedStatuses.includes(ours) || waiting.includes(ours)) return ours;
  if (agentActive) return 'in_progress';
  return rank(theirs) > rank(ours) ? theirs : ours;
}

export function merged(ticket: Ticket, base: RemoteFields | null, theirs: RemoteFields, agentActive: boolean): Ticket {
  const moved = mergedStatus(ticket.status, theirs.state, agentActive);
  const next = moved === ticket.status ? ticket : withStatus(ticket, moved);
  const of = (name: Shared): string | null => field(name, ticket[name], base, theirs);
  return {
    ...next,
    title: of('title') ?? ticket.title,
    description: of('description') ?? ticket.description,
    priority: of('priority'),
    assignee: of('assignee'),
    assigneeTeam: of('assigneeTeam'),
    requesterName: of('requesterName'),
    requesterEmail: of('requesterEmail'),
  };
}

/**
 * Of what is to be changed at the provider: what differs there, and what was changed there as well, which stays as each has it.
 * Without a `base` there is nothing that could have been changed. What is empty here takes nothing away there.
 */
export function toTell(
  ticket: Ticket,
  base: RemoteFields | null,
  theirs: RemoteFields,
  wanted: readonly PushField[],
): { tell: PushField[]; conflicts: PushField[] } {
  const differs = wanted.filter((f) => ticket[f] !== null && !same(f, ticket[f], theirs[f]));
  const conflicts = differs.filter((f) => base !== null && !same(f, base[f], theirs[f]));
  return { tell: differs.filter((f) => !conflicts.includes(f)), conflicts };
}

export interface Drift {
  field: 'title' | 'status' | 'priority' | 'assignee' | 'assignee_team';
  local: string | null;
  provider: string | null;
}

/** Where the ticket says another thing than its provider did when it was last looked at. */
export function driftOf(ticket: Ticket, theirs: RemoteFields): Drift[] {
  const pairs: [Drift['field'], string | null, string | null, boolean][] = [
    ['title', ticket.title, theirs.title, ticket.title === theirs.title],
    ['status', ticket.status, theirs.status, theirs.state === null || theirs.state === ticket.status],
    ['priority', ticket.priority, theirs.priority, same('priority', ticket.priority, theirs.priority)],
    ['assignee', ticket.assignee, theirs.assignee, ticket.assignee === theirs.assignee],
    ['assignee_team', ticket.assigneeTeam, theirs.assigneeTeam, ticket.assigneeTeam === theirs.assigneeTeam],
  ];
  return pairs.filter(([, , , equal]) => !equal).map(([name, local, provider]) => ({ field: name, local, provider }));
}

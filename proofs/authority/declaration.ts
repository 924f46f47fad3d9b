import type { Scope } from '../../domain/scopes';

// What every operation answers to an id that is not the caller's. A path, query or body field that names something and is
// not in this table fails the test, and so does an operation that is not.

/** What an id names; the world (world.ts) has one of each in each tenant. */
export type Noun =
  | 'ticket' | 'run' | 'task' | 'event' | 'note' | 'change' | 'postmortem' | 'attachment' | 'site' | 'deployment'
  | 'approvers' | 'approval' | 'raci' | 'blueprint' | 'pipeline' | 'article' | 'skill' | 'agent' | 'key' | 'secret' | 'execution' | 'receipt' | 'tenant'
  | 'transaction' | 'investigation' | 'recommendation' | 'place'
  | 'registered' | 'workAgent' | 'client' | 'workTask' | 'workflow' | 'workExecution' | 'signal' | 'reported' | 'alert' | 'seq' | 'offset' | 'cursor' | 'slug' | 'page' | 'asset' | 'provider' | 'profile' | 'external' | 'rule' | 'kept' | 'tool' | 'server' | 'user' | 'day' | 'root' | 'permission'; // prettier-ignore

/** A credential that is bound to a ticket sees no other, nor what belongs to another. */
export const ofTicket: ReadonlySet<Noun> = new Set([
  'ticket',
  'run',
  'task',
  'workTask',
  'event',
  'note',
  'change',
  'postmortem',
  'attachment',
  'site',
  'deployment',
]);

/**
 * What happens to a foreign id, and to one that names nothing, in the same words:
 * `missing` 404 · `empty` 200 with nothing in it · `refused` 403 · `unknown` 401 ·
 * `ignored` it names nothing of ours, the caller's own tenant is all that the call touches · `public` for everybody to see.
 */
export type Outcome = 'missing' | 'empty' | 'refused' | 'unknown' | 'ignored' | 'public';
export interface Place {
  noun: Noun;
  foreign: Outcome;
}

export interface Declared {
  /** By place: `path.ticket_id`, `query.offset`, `body.lease_request.resource_id`, `header.Last-Event-ID`. */
  ids: Readonly<Record<string, Place>>;
  /** What the call comes to for whoever may make it; its status, or 409 where the thing has moved on, unless given. */
  own?: { statuses: readonly number[]; why: string };
  /** Who may not make it whatever their scopes say: 403. */
  only?: 'people' | 'users';
  /** A place that asks for a scope besides, except of the agent that it names. */
  besides?: { place: string; scope: Scope };
  /** A place that may be filled in place of another, and asks for a scope besides. */
  either?: { place: string; of: string; scope: Scope };
  /** What has to be made anew before each round, because the call uses it up. */
  fresh?:
    | 'change'
    | 'approved'
    | 'postmortem'
    | 'reviewed'
    | 'registered'
    | 'workAgent'
    | 'client'
    | 'recommendation'
    | 'skill'
    | 'pipeline'
    | 'kept'
    | 'server'
    | 'user';
}

export const at = (noun: Noun, foreign: Outcome = 'missing'): Place => ({ noun, foreign });
export const ticket = { 'path.ticket_id': at('ticket') };
export const run = { 'path.agent_id': at('run') };
export const offset = { 'query.offset': at('offset', 'empty') };
export const filter = { 'query.ticket_id': at('ticket', 'empty') };
export const resource = at('external', 'ignored');
export const none: Declared = { ids: {} };
export const acting = { place: 'body.agent_id', scope: 'agents:act' } as const;

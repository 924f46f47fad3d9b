import type { Operation } from '../../api/operation';
import { isOpen, standing, type Actor } from './actors';
import { ofTicket, type Declared, type Place } from './declaration';

/** What a cell declares: the statuses that hold, and how far the answer must be that of an id that names nothing. */
export interface Expected {
  statuses: readonly number[];
  /** The scope that a 403 has to name. */
  scope?: string;
  /** Answered in the same words as a missing id. */
  alike?: true;
  /** Nothing was done: the rows of the tenant stay as they are. */
  refused: boolean;
}

const refusal = (status: number, more: Partial<Expected> = {}): Expected => ({
  statuses: [status],
  refused: true,
  ...more,
});
export const success = (op: Operation, entry: Declared): readonly number[] =>
  entry.own?.statuses ?? [op.status ?? 200, ...(op.statuses ?? [])];

/** The actor's own tenant, and its own ids at every place that asks for one. */
export function expectOwn(actor: Actor, op: Operation, entry: Declared): Expected {
  const stands = standing(actor, op, entry);
  if (stands !== 'may') return refusal(stands.status, 'scope' in stands && stands.scope ? { scope: stands.scope } : {});
  const places = Object.entries(entry.ids).filter(
    ([place]) => !place.startsWith('header.') && place !== entry.either?.place,
  );
  if (actor.bound === 'elsewhere') {
    const hidden = places.filter(([, p]) => ofTicket.has(p.noun) && p.foreign !== 'ignored');
    if (hidden.some(([, p]) => p.foreign === 'missing')) return refusal(404);
    if (hidden.length) return refusal(200);
  }
  const { besides } = entry;
  if (besides && actor.kind !== 'agent' && !actor.scopes.includes(besides.scope))
    return refusal(403, { scope: besides.scope });
  return { statuses: [...success(op, entry), 409], refused: false };
}

const words: Record<Place['foreign'], number | null> = {
  missing: 404, empty: 200, refused: 403, unknown: 401, ignored: null, public: null,
}; // prettier-ignore

/** An actor of another tenant, with its own ids but at one place. */
export function expectForeign(actor: Actor, op: Operation, entry: Declared, place: string): Expected {
  if (place === 'header.X-Tenant-ID') return refusal(401, { alike: true });
  const own = expectOwn(actor, op, entry);
  if (op.access === 'login') return own;
  if (isOpen(op)) return { statuses: [200, 404], refused: false };
  const stands = standing(actor, op, entry);
  if (stands !== 'may' || place === 'inner.tenant_id') return own;
  if (place === entry.either?.place && !actor.scopes.includes(entry.either.scope))
    return refusal(403, { scope: entry.either.scope });
  const outcome = entry.ids[place]?.foreign;
  const status = outcome === undefined ? null : words[outcome];
  if (status === null || (status !== 404 && own.statuses.includes(404))) return own;
  return refusal(status, { alike: true });
}

/** Every place of an operation where another tenant can be named. */
export const placesOf = (op: Operation, entry: Declared): string[] => [
  ...new Set([
    ...Object.keys(entry.ids),
    ...(isOpen(op) ? [] : ['header.X-Tenant-ID']),
    ...(isOpen(op) || 'body.tenant_id' in entry.ids ? [] : ['inner.tenant_id']),
  ]),
];

import { createHmac, timingSafeEqual } from 'node:crypto';
import type { RemoteTicket } from '../../domain/provider';

// What tickets and notes of ours are found again by at their provider. Only this installation makes a mark that proves true:
// whoever writes there could otherwise have theirs taken for ours.

const proofOf = (masterKey: Buffer, what: string, tenantId: string, id: string): string =>
  createHmac('sha256', masterKey).update(`${what}:${tenantId}:${id}`).digest('hex').slice(0, 32);

export const markOf = (masterKey: Buffer, tenantId: string, ticketId: string): string =>
  `[wheelhouse:${ticketId}:${proofOf(masterKey, 'provider-mark', tenantId, ticketId)}]`;

export const noteMarkOf = (masterKey: Buffer, tenantId: string, noteId: string): string =>
  `[wheelhouse-note:${noteId}:${proofOf(masterKey, 'provider-note', tenantId, noteId)}]`;

/** What the mark is of, when `right` makes the same of it. */
function provenId(mark: string | null, right: (id: string) => string): string | null {
  const id = /^\[wheelhouse(?:-note)?:([0-9a-f-]{36}):/.exec(mark ?? '')?.[1];
  if (mark === null || id === undefined) return null;
  const [wanted, given] = [Buffer.from(right(id)), Buffer.from(mark)];
  return given.length === wanted.length && timingSafeEqual(given, wanted) ? id : null;
}

/** The ticket that a mark is of; null when it is none of ours. */
export const ticketOfMark = (masterKey: Buffer, tenantId: string, mark: string | null): string | null =>
  provenId(mark, (id) => markOf(masterKey, tenantId, id));

/** The note that a mark is of; null when it is none of ours. */
export const noteOfMark = (masterKey: Buffer, tenantId: string, mark: string | null): string | null =>
  provenId(mark, (id) => noteMarkOf(masterKey, tenantId, id));

/** What others wrote: our own notes are here already, and steer nobody a second time. */
export const withoutOurs = (masterKey: Buffer, tenantId: string, remote: RemoteTicket): RemoteTicket => ({
  ...remote,
  entries: remote.entries.filter((e) => noteOfMark(masterKey, tenantId, e.mark) === null),
});

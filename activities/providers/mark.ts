import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * What a ticket of ours is found again by at its provider. Only this installation makes one that proves true: whoever writes
 * tickets there could otherwise have theirs taken for one of ours.
 */
export function markOf(masterKey: Buffer, tenantId: string, ticketId: string): string {
  const proof = createHmac('sha256', masterKey).update(`provider-mark:${tenantId}:${ticketId}`).digest('hex');
  return `[wheelhouse:${ticketId}:${proof.slice(0, 32)}]`;
}

/** The ticket that a mark is of; null when it is none of ours. */
export function ticketOfMark(masterKey: Buffer, tenantId: string, mark: string | null): string | null {
  const ticketId = /^\[wheelhouse:([0-9a-f-]{36}):/.exec(mark ?? '')?.[1];
  if (mark === null || ticketId === undefined) return null;
  const right = Buffer.from(markOf(masterKey, tenantId, ticketId));
  const given = Buffer.from(mark);
  return given.length === right.length && timingSafeEqual(given, right) ? ticketId : null;
}

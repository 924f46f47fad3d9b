import { accessRequests } from '../../db/access';
import { writeNote } from '../../db/notes';
import { tickets } from '../../db/tickets';
import type { Write } from '../../db/tx';
import { hasChild, type AccessEvent, type AccessRequest } from '../../domain/access';
import type { Gate } from '../../domain/gate';
import { system, type Actor } from '../../domain/principal';
import type { TicketStatus } from '../../domain/ticket';
import type { Deps } from '../deps';
import { endChild, openChild } from './access-child';
import { otherwise, stands } from './record';

export interface AccessTransition {
  event: 'open' | AccessEvent['type'];
  transition: string;
  /** The gate that it follows from, as the workflow was told of it. */
  told?: Gate;
}
export interface RecordedAccess {
  access: AccessRequest;
  applied: boolean;
  /** There when the gate's row says something else than what was told: nothing was written. */
  otherwise?: { gate: Gate | null };
  /** As people know the request and its tickets, once it is open. */
  numbers?: AccessNumbers;
}
export interface AccessNumbers {
  access_request_id: number;
  access_request_ticket_id: number;
  parent_ticket_id: number;
}

async function numbersOf(tx: Write, a: AccessRequest): Promise<AccessNumbers> {
  const [parent, child] = [await tickets.byId(tx, a.ticketId), await tickets.byId(tx, a.accessTicketId)];
  if (!parent || !child) throw new Error(`no tickets for access request ${a.id}`);
  return {
    access_request_id: a.number,
    access_request_ticket_id: child.number,
    parent_ticket_id: parent.number,
  };
}

const kinds: Record<AccessTransition['event'], string> = {
  open: 'access.requested',
  approve: 'access.approved',
  grant: 'access.granted',
  reject: 'access.rejected',
  expire: 'access.expired',
  revoke: 'access.revoked',
};

/** Words for the people who follow the ticket. */
const noteOf = (a: AccessRequest, event: AccessTransition['event']): string => {
  const what = `${a.permission} on ${a.resource}`;
  const words: Record<AccessTransition['event'], string> = {
    open: `Access request opened: ${what}, for ${a.assignmentGroup} to decide`,
    approve: `Access approved: ${what}; it is granted when the change is completed`,
    grant: `Access granted: ${what}${a.evidence ? ` (${a.evidence})` : ''}`,
    reject: `Access rejected: ${what}${a.evidence ? `: ${a.evidence}` : ''}`,
    expire: `Access request expired: ${what}: ${a.evidence}`,
    revoke: `Access revoked: ${what}: ${a.evidence}`,
  };
  // Nobody is asked about what the review of a workflow decided.
  if (!hasChild(a) && event === 'open') return `Access preapproved: ${what}: ${a.reason}`;
  if (!hasChild(a) && event === 'approve') return `Access approved: ${what}, by ${a.approvalActor?.name}`;
  return words[event];
};

const childStatus: Partial<Record<AccessTransition['event'], TicketStatus>> = {
  grant: 'resolved',
  reject: 'closed',
  expire: 'closed',
};

export const accessActivities = ({ store }: Pick<Deps, 'store'>) => ({
  /** The request, its child ticket, a note on the parent and the log entry, together. */
  recordAccess: (next: AccessRequest, t: AccessTransition): Promise<RecordedAccess> =>
    store.write(next.tenantId, async (tx) => {
      const not = await otherwise(tx, t.told);
      const stood = not && (await accessRequests.byId(tx, next.id));
      if (not && stood) return { access: stood, applied: false, otherwise: not };
      if (t.event === 'open' && hasChild(next)) await openChild(tx, next);
      const written = await (t.event === 'open' ? accessRequests.insert(tx, next) : accessRequests.move(tx, next));
      if (!written) {
        const access = await accessRequests.byId(tx, next.id);
        if (!access) throw new Error(`no row for access request ${next.id}`);
        const applied = await stands(tx, next.id, next.version, t.transition);
        return { access, applied, ...(t.event === 'open' && { numbers: await numbersOf(tx, access) }) };
      }
      const by: Actor = t.event === 'open' ? written.requester : (written.approvalActor ?? system);
      const child = hasChild(written) ? childStatus[t.event] : undefined;
      if (child) await endChild(tx, written, by, child, noteOf(written, t.event));
      await writeNote(tx, {
        ticketId: written.ticketId,
        key: `${written.id}:${written.version}`,
        source: 'access-request',
        author: by.name,
        actor: by,
        body: noteOf(written, t.event),
        externalRef: `access_request:${written.number}`,
      });
      tx.log({
        kind: kinds[t.event],
        actor: by,
        subject: { kind: 'access_request', id: written.id },
        version: written.version,
        transition: t.transition,
        ticketId: written.ticketId,
        runId: written.runId,
        agentId: written.agentId,
        decision: t.event === 'reject' ? 'deny' : 'allow',
        reason: written.evidence ?? written.reason,
        body: {
          access_request_id: written.number,
          resource: written.resource,
          permission: written.permission,
          status: written.status,
          assignment_group: written.assignmentGroup,
          on_behalf_of: written.onBehalfOf?.name ?? null,
          label: written.label,
        },
      });
      return { access: written, applied: true, ...(t.event === 'open' && { numbers: await numbersOf(tx, written) }) };
    }),
});

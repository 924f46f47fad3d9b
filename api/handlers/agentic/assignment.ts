import { lockLink, saveLink } from '../../../db/ticket-links';
import { saveTicket } from '../../../db/ticket-queries';
import type { Write } from '../../../db/tx';
import { pushFields } from '../../../domain/provider';
import type { Ticket } from '../../../domain/ticket';
import type { tickets } from '../../contracts/agentic/tickets';
import type { Ctx, HandlerOf } from '../../kernel';
import { say } from './notes';
import { heldTicket, seenTicket } from './seen';
import { askedFor, syncSoon } from './sync';
import { ticketView } from './ticket-views';

/** What an assignment changes, field by field, in words. */
function changesOf(before: Ticket, after: Ticket): string[] {
  const fields = { assignee: 'assignee', team: 'assigneeTeam', group: 'owningGroup', priority: 'priority' } as const;
  return Object.entries(fields)
    .filter(([, f]) => before[f] !== after[f])
    .map(([label, f]) => `${label} ${before[f] ?? 'none'} to ${after[f] ?? 'none'}`);
}

/** What the request gives; what it leaves out stays. */
const given = <T>(value: T | undefined, standing: T): T => (value === undefined ? standing : value);

/** Has the provider told of what it keeps as well. True: there is something to tell. */
async function forProvider(ctx: Ctx, tx: Write, before: Ticket, after: Ticket): Promise<boolean> {
  const changed = pushFields.filter((f) => before[f] !== after[f]);
  const link = changed.length ? await lockLink(tx, before.id) : null;
  if (!link) return false;
  await saveLink(tx, { ...link, fields: [...new Set([...link.fields, ...changed])] });
  askedFor(ctx, tx, link, 'update');
  return true;
}

/** The assignment stands whatever the provider says; who asks waits a while for that. */
export const assignTicket: HandlerOf<(typeof tickets)['assignTicket']> = async ({ params, body }, ctx) => {
  const { note, id, toTell } = await ctx.write(async (tx) => {
    const before = await heldTicket(ctx, tx, params.ticket_id);
    const after: Ticket = {
      ...before,
      assignee: given(body.assignee, before.assignee),
      assigneeTeam: given(body.assignee_team, before.assigneeTeam),
      owningGroup: given(body.owning_group, before.owningGroup),
      priority: given(body.priority, before.priority),
    };
    const tier = body.escalation_tier === undefined ? [] : [`escalated to ${body.escalation_tier}`];
    const what = [...changesOf(before, after), ...tier].join('; ') || 'unchanged';
    const { note, fresh, told } = await say(ctx, tx, before, {
      source: 'ticket-assignment',
      author: body.actor ?? ctx.actor.name,
      body: `Assignment: ${what}${body.reason ? `. ${body.reason}` : ''}`,
      externalRef: `assignment:${before.number}`,
    });
    if (!fresh) return { note, id: before.id, toTell: false };
    await saveTicket(tx, after);
    tx.log({
      kind: 'ticket.assigned',
      actor: ctx.actor,
      subject: { kind: 'ticket', id: before.id },
      ticketId: before.id,
      reason: body.reason ?? null,
      body: {
        note_id: note.number, assignee: after.assignee, assignee_team: after.assigneeTeam, owning_group: after.owningGroup,
        priority: after.priority, escalation_tier: body.escalation_tier ?? null, label: body.actor ?? null,
      },
    }); // prettier-ignore
    return { note, id: before.id, toTell: (await forProvider(ctx, tx, before, after)) || told };
  });
  if (toTell) await syncSoon(ctx, id);
  const ticket = ticketView(await ctx.read((tx) => seenTicket(ctx, tx, params.ticket_id)));
  return { status: 'updated' as const, ticket, note_id: note.number };
};

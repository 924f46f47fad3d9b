import { aliveRuns } from '../../../db/run-queries';
import type { Steered } from '../../../db/steer';
import { steeringOfNote } from '../../../db/steering-queries';
import { tellProvider } from '../../../db/provider-notes';
import { saveTicket } from '../../../db/ticket-queries';
import { notes as noteRows } from '../../../db/tickets';
import type { Read, Write } from '../../../db/tx';
import { NotFound } from '../../../domain/errors';
import { answered, withStatus } from '../../../domain/ticket-moves';
import { steers, type Note, type Ticket } from '../../../domain/ticket';
import { filterText } from '../../../pipeline/output-filter';
import type { notes } from '../../contracts/agentic/notes';
import type { Ctx, Handlers } from '../../kernel';
import { resume } from './resume';
import { agentOnTicket, assertPerson, heldTicket, isOfRun } from './seen';
import { passOn, steerAgents } from './steering';
import { tellSoon } from './sync';

export type Said = Pick<Note, 'source' | 'author' | 'body'> & Partial<Pick<Note, 'visibility' | 'externalRef'>>;

/**
 * Writes the one note of this request, or finds it: then the request is a repeat, and what goes with the note stands too.
 * `told`: its ticket's provider is to be told of it, which the caller may have done at once.
 */
export async function say(
  ctx: Ctx,
  tx: Write,
  ticket: Pick<Ticket, 'id' | 'number'>,
  said: Said,
): Promise<{ note: Note; fresh: boolean; told: boolean }> {
  const id = ctx.newId(`note:${ticket.id}`);
  const written = await noteRows.insert(tx, {
    id,
    tenantId: ctx.tenantId,
    number: 0,
    ticketId: ticket.id,
    actor: ctx.actor,
    visibility: 'internal',
    externalRef: null,
    createdAt: new Date().toISOString(),
    ...said,
    body: ctx.principal.kind === 'agent' ? filterText(said.body) : said.body,
  });
  if (!written) {
    const note = await noteRows.byId(tx, id);
    if (!note) throw new Error(`no row for note ${id}`);
    return { note, fresh: false, told: false };
  }
  tx.log({
    kind: 'note.added',
    actor: ctx.actor,
    subject: { kind: 'ticket', id: ticket.id },
    ticketId: ticket.id,
    body: { note_id: written.number, source: written.source, author: written.author, visibility: written.visibility },
  });
  return { note: written, fresh: true, told: await tellProvider(tx, written, ctx.actor) };
}

/**
 * Who a note says it is from: what it is given, else the agent that is named, else the caller. An agent says nothing of
 * this: what it writes is from it.
 */
async function signed(
  ctx: Ctx,
  tx: Read,
  ticket: Ticket,
  given: { author: string | undefined; source: string | undefined; agentId: number | undefined },
): Promise<Pick<Note, 'author' | 'source'>> {
  const run = await agentOnTicket(ctx, tx, ticket, given.agentId);
  if (ctx.principal.kind === 'agent') {
    if (run && !isOfRun(ctx, run)) throw new NotFound(`no agent ${run.number}`);
    const own = run ?? (await aliveRuns(tx, ticket.id)).find((r) => isOfRun(ctx, r));
    return { author: own ? `agent-${own.number}` : ctx.actor.name, source: 'agent' };
  }
  const author = given.author ?? (run && !given.source ? `agent-${run.number}` : ctx.actor.name);
  const source = given.source ?? (run || /^agent([-_].*)?$/.test(author) ? 'agent' : 'dashboard');
  return { author, source };
}

type SteeringAnswer = { status: 'created' | 'no_active_agent' | 'skipped'; reason?: string; events: object[] };

const skipped = (reason: string) => ({ status: 'skipped' as const, reason, events: [] });

/** What came of a note for the agents of its ticket. */
async function steeringAnswer(ctx: Ctx, tx: Read, note: Note) {
  if (ctx.principal.kind === 'agent') return skipped('agent_authored');
  if (!steers(note.source, note.author)) return skipped('non_steering_source');
  const events = await steeringOfNote(tx, note.id);
  return {
    status: events.length ? ('created' as const) : ('no_active_agent' as const),
    events: events.map((e) => ({
      id: e.number, agent_id: e.runNumber, task_id: e.taskNumber, delivered: e.status !== 'pending',
    })), // prettier-ignore
  } satisfies SteeringAnswer;
}

export const noteHandlers: Handlers<typeof notes> = {
  addNote: async ({ params, body }, ctx) => {
    const { answer, steered, told, of } = await ctx.write(async (tx) => {
      const ticket = await heldTicket(ctx, tx, params.ticket_id);
      const by = await signed(ctx, tx, ticket, { author: body.author, source: body.source, agentId: body.agent_id });
      const { note, fresh, told } = await say(ctx, tx, ticket, {
        ...by,
        body: body.body ?? body.note ?? body.content ?? body.title ?? '',
        visibility: body.visibility,
        externalRef: body.external_ref ?? null,
      });
      const sent: Steered[] = fresh ? await steerAgents(ctx, tx, note) : [];
      const steering = await steeringAnswer(ctx, tx, note);
      return {
        answer: { id: note.number, ticket_id: ticket.number, status: 'created' as const, steering },
        steered: sent,
        told,
        of: ticket.id,
      };
    });
    passOn(ctx, steered);
    if (told) tellSoon(ctx, of);
    return answer;
  },

  requestInfo: async ({ params, body }, ctx) => {
    const { answer, told, of } = await ctx.write(async (tx) => {
      const ticket = await heldTicket(ctx, tx, params.ticket_id);
      const to = [body.contact_method, body.recipient].filter(Boolean).join(' ');
      const { note, fresh, told } = await say(ctx, tx, ticket, {
        source: 'user-info-request',
        author: ctx.principal.kind === 'agent' ? ctx.actor.name : (body.requested_by ?? ctx.actor.name),
        body: [`Awaiting user response (${to}): ${body.question}`, body.context].filter(Boolean).join('\n\n'),
        visibility: 'user',
        externalRef: `awaiting_user_response:${ticket.number}`,
      });
      if (fresh) {
        const asked = withStatus(ticket, 'awaiting_user_response');
        await saveTicket(tx, asked);
        tx.log({
          kind: 'ticket.info_requested',
          actor: ctx.actor,
          subject: { kind: 'ticket', id: ticket.id },
          ticketId: ticket.id,
          body: { note_id: note.number, status: asked.status, previous_status: asked.previousStatus },
        });
      }
      const answer = { status: 'awaiting_user_response' as const, ticket_id: ticket.number, note_id: note.number };
      return { answer, told, of: ticket.id };
    });
    if (told) tellSoon(ctx, of);
    return answer;
  },

  userResponse: async ({ params, body }, ctx) => {
    assertPerson(ctx, 'an answer is of people, and no agent gives it for them');
    const { ticket, note, steered, told } = await ctx.write(async (tx) => {
      const held = await heldTicket(ctx, tx, params.ticket_id);
      const from = [body.responder_name, body.responder_email && `<${body.responder_email}>`].filter(Boolean).join(' ');
      const said = await say(ctx, tx, held, {
        source: 'user-response',
        author: body.responder_name ?? ctx.actor.name,
        body: from ? `${from}: ${body.response}` : body.response,
        visibility: 'user',
        externalRef: `user_response:${held.number}`,
      });
      if (!said.fresh) return { ticket: held, note: said.note, steered: [], told: false };
      const restored = answered(held);
      await saveTicket(tx, restored);
      tx.log({
        kind: 'ticket.user_responded',
        actor: ctx.actor,
        subject: { kind: 'ticket', id: held.id },
        ticketId: held.id,
        body: { note_id: said.note.number, status: restored.status, was: held.status },
      });
      const { note, told } = said;
      return { ticket: restored, note, steered: await steerAgents(ctx, tx, note), told };
    });
    passOn(ctx, steered);
    if (told) tellSoon(ctx, ticket.id);
    return {
      status: 'user_response_recorded' as const,
      ticket_id: ticket.number,
      note_id: note.number,
      resume: body.resume_agent
        ? await resume(ctx, ticket)
        : { status: 'not_requested' as const, task_id: null, agent_id: null },
    };
  },
};

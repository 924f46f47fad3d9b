import { z } from 'zod';
import { operation } from '../../operation';
import { byId, flag, intId, name, prose } from '../shapes';

const tag = 'Tickets';
const steeringOf = z.object({
  status: z.enum(['created', 'no_active_agent', 'skipped']),
  reason: z.string().optional(),
  events: z.array(z.object({ id: z.int(), agent_id: z.int(), task_id: z.int(), delivered: z.boolean() })),
});

export const notes = {
  addNote: operation({
    route: 'POST /api/tickets/:ticket_id/notes',
    tag,
    summary:
      'Add a note; what people and providers write steers the agents that work on the ticket, without interrupting them',
    access: 'tickets:note',
    params: byId('ticket_id'),
    body: z
      .object({
        body: prose.optional(),
        note: prose.optional(),
        content: prose.optional(),
        title: prose.optional(),
        author: name(100).optional().describe('A label: who writes is the authenticated principal'),
        source: name(50).optional(),
        visibility: z.enum(['internal', 'user', 'public']).default('internal'),
        agent_id: intId.optional(),
        external_ref: name(200).optional(),
      })
      .refine((b) => Boolean(b.body ?? b.note ?? b.content ?? b.title), {
        path: ['body'],
        message: 'a note needs a text',
      })
      .meta({ example: { body: 'No further delivery found.', author: 'dana', source: 'dashboard' } }),
    output: z.object({ id: z.int(), ticket_id: z.int(), status: z.literal('created'), steering: steeringOf }),
    errors: ['NotFound'],
  }),
  requestInfo: operation({
    route: 'POST /api/tickets/:ticket_id/request-info',
    tag,
    summary: 'Ask the requester something: a visible note, and the ticket waits for the answer',
    access: 'tickets:request_info',
    params: byId('ticket_id'),
    body: z.object({
      question: prose,
      requested_by: name(100).optional().describe('A label: who asks is the authenticated principal'),
      contact_method: name(50).default('email'),
      recipient: name(320).optional(),
      context: prose.optional(),
    }),
    output: z.object({ status: z.literal('awaiting_user_response'), ticket_id: z.int(), note_id: z.int() }),
    errors: ['NotFound'],
  }),
  userResponse: operation({
    route: 'POST /api/tickets/:ticket_id/user-response',
    tag,
    summary: "Record the requester's answer, put the status back, and let the agent go on",
    access: 'tickets:note',
    params: byId('ticket_id'),
    body: z.object({
      response: prose,
      responder_name: name(100).optional(),
      responder_email: name(320).optional(),
      resume_agent: flag.default(true),
    }),
    output: z.object({
      status: z.literal('user_response_recorded'),
      ticket_id: z.int(),
      note_id: z.int(),
      resume: z.object({
        status: z.enum(['not_requested', 'not_applicable', 'already_active', 'spawned', 'not_resumed']),
        task_id: z.int().nullable(),
        agent_id: z.int().nullable(),
      }),
    }),
    errors: ['NotFound'],
  }),
};

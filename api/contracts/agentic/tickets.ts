import { z } from 'zod';
import { providerNames } from '../../../domain/provider';
import { ticketStatuses } from '../../../domain/ticket';
import { operation, type Method } from '../../operation';
import { byId, flag, name, page, prose, wholeOr } from '../shapes';
import { ChangeShape } from './changes';
import { ModelTurnEventShape } from './model-turn-shapes';
import { AccessShape, AttachmentShape, NoteShape, SteeringShape, TaskShape, TicketShape } from './ticket-shapes';

const tag = 'Tickets';
const classifications = ['public', 'internal', 'confidential', 'restricted', 'secret'] as const;

/** Known values; what the original's agents also say means one of them. */
export const statusInput = z
  .enum([...ticketStatuses, 'closed/resolved', 'canceled'])
  .transform((s) => (s === 'closed/resolved' ? 'closed' : s === 'canceled' ? 'cancelled' : s));
/** 1 to 4 or P1 to P4, kept as given. */
export const priorityInput = z
  .union([z.string(), z.number()])
  .transform(String)
  .pipe(z.string().regex(/^P?[1-4]$/i, 'must be 1 to 4 or P1 to P4'))
  .meta({
    anyOf: [
      { type: 'string', pattern: '^[Pp]?[1-4]$' },
      { type: 'integer', minimum: 1, maximum: 4 },
    ],
  });

export const ticketSorts = [
  'id', 'title', 'class', 'status', 'priority', 'assignee', 'agent', 'updated_at', 'created_at', 'provider',
] as const; // prettier-ignore
export const agentStates = ['assigned', 'unassigned', 'running', 'completed'] as const;

/** One way to set a status, under the paths that mean it. */
const statusUpdate = (route: `${Method} /${string}`, summary: string) =>
  operation({
    route,
    tag,
    summary,
    access: 'tickets:note',
    params: byId('ticket_id'),
    body: z.object({
      status: statusInput,
      actor: name(100).optional().describe('A label: who acts is the authenticated principal'),
      reason: prose.optional(),
      close_provider: flag.default(false),
    }),
    output: z.object({
      status: z.enum(ticketStatuses),
      ticket_id: z.int(),
      note_id: z.int(),
      provider_result: z.object({ status: z.string(), reason: z.string().optional() }),
    }),
    errors: ['NotFound'],
  });
const compatible = 'Compatibility: the explicit status update, same payload and checks as /status';

export const tickets = {
  listTickets: operation({
    route: 'GET /api/tickets',
    tag,
    summary: 'List tickets, newest first unless sorted',
    access: 'tickets:read',
    query: page.extend({
      limit: wholeOr(100, 1, 5000),
      status: statusInput.optional(),
      priority: priorityInput.optional(),
      assignee: name(200).optional().describe('Part of the name'),
      agent_only: flag.default(false),
      agent_state: z.enum(agentStates).optional(),
      provider: z.enum(providerNames).optional(),
      q: name(200).optional().describe('Part of title, description, people, team or reference'),
      sort_by: z.enum(ticketSorts).default('id'),
      sort_dir: z.enum(['asc', 'desc']).default('desc'),
    }),
    output: z.object({ tickets: z.array(TicketShape), total: z.int(), limit: z.int(), offset: z.int() }),
  }),
  createTicket: operation({
    route: 'POST /api/tickets',
    tag,
    summary: 'Create a ticket; an agent is assigned at once when an enabled rule says so',
    access: 'tickets:create',
    body: z.object({
      title: name(240),
      description: z.string().max(100_000).default(''),
      ticket_class: name(100).default('UserRequest'),
      status: statusInput.default('new'),
      priority: priorityInput.default('2'),
      created_by: name(100).optional().describe('A label: who creates is the authenticated principal'),
      auto_assign: flag.default(true),
      provider: z.enum(providerNames).optional().describe('Unset: the active one'),
      provider_ref: name(200).optional().describe('What the provider has already: its number there'),
      provider_class: name(100).optional().describe('Its class there; unset: the ticket_class'),
      sync_provider: flag.optional().describe('False: kept here alone'),
      assignee: name(200).optional(),
      assignee_team: name(200).optional(),
      owning_group: name(200).optional(),
      requester_name: name(200).optional(),
      requester_email: name(320).optional(),
      affected_user_name: name(200).optional(),
      affected_user_email: name(320).optional(),
      security_classification: z.enum(classifications).default('internal'),
      access_scope: z.record(z.string(), z.unknown()).default({}),
    }),
    output: TicketShape.extend({
      auto_assignment: z.object({
        status: z.enum(['assigned', 'skipped', 'error']),
        reason: z.string(),
        rule_id: z.int().nullable(),
        score: z.int().nullable(),
        agent_id: z.int().nullable(),
      }),
    }),
    errors: ['Conflict'],
  }),
  getTicket: operation({
    route: 'GET /api/tickets/:ticket_id',
    tag,
    summary: 'One ticket, with its agent and its change requests',
    access: 'tickets:read',
    params: byId('ticket_id'),
    output: TicketShape.extend({
      agent_instance_id: z.string().nullable(),
      agent_heartbeat: z.string().nullable(),
      agent_error: z.string().nullable(),
      change_requests: z.array(ChangeShape),
      workflow_url: z.string().nullable(),
    }),
  }),
  getTicketContext: operation({
    route: 'GET /api/tickets/:ticket_id/context',
    tag,
    summary: 'Everything an agent needs to know about a ticket, each list bounded',
    access: 'tickets:read',
    params: byId('ticket_id'),
    output: z.object({
      ticket: TicketShape,
      notes: z.array(NoteShape).describe('Old to new, the last 100'),
      attachments: z.array(AttachmentShape),
      change_requests: z.array(ChangeShape),
      access_requests: z.array(AccessShape),
      tasks: z.array(TaskShape).describe('The last 20'),
      steering_events: z.array(SteeringShape).describe('The last 30'),
      model_turn_events: z.array(ModelTurnEventShape).describe('Old to new, the last 120'),
      postmortems: z.array(
        z.object({
          id: z.int(),
          status: z.string(),
          summary: z.string(),
          improvements: z.string(),
          created_at: z.string(),
        }),
      ),
      related_tickets: z.array(z.object({ id: z.int(), title: z.string(), status: z.string(), score: z.number() })),
      knowledge_articles: z.array(z.object({ id: z.int(), title: z.string(), body: z.string() })),
      workflows: z.array(
        z.object({
          id: z.int(), name: z.string(), workflow_key: z.string(), version: z.int(), status: z.string(), description: z.string(),
          blueprint: z.string(),
        }), // prettier-ignore
      ),
      skills: z.array(z.object({ id: z.int(), name: z.string(), description: z.string(), category: z.string() })),
    }),
  }),
  setTicketStatus: statusUpdate('POST /api/tickets/:ticket_id/status', 'Set the status; an agent that ends never does'),
  postTicket: statusUpdate('POST /api/tickets/:ticket_id', compatible),
  putTicket: statusUpdate('PUT /api/tickets/:ticket_id', compatible),
  patchTicket: statusUpdate('PATCH /api/tickets/:ticket_id', compatible),
  assignTicket: operation({
    route: 'POST /api/tickets/:ticket_id/assignment',
    tag: 'Ticket Reassignment And Escalation',
    summary: 'Move a ticket to another queue, person or tier; null clears a field',
    access: 'tickets:note',
    params: byId('ticket_id'),
    body: z
      .object({
        assignee_team: name(200).nullable().optional(),
        owning_group: name(200).nullable().optional(),
        assignee: name(200).nullable().optional(),
        escalation_tier: name(100).optional().describe('Kept in the note alone'),
        priority: priorityInput.optional(),
        actor: name(100).optional().describe('A label: who acts is the authenticated principal'),
        reason: prose.optional(),
      })
      .refine(
        (b) =>
          [b.assignee_team, b.owning_group, b.assignee, b.escalation_tier, b.priority].some((v) => v !== undefined),
        {
          path: ['assignee_team'],
          message: 'say what changes: assignee_team, owning_group, assignee, escalation_tier or priority',
        },
      )
      .meta({ example: { assignee_team: 'Tier 2', reason: 'needs packaging' } }),
    output: z.object({ status: z.literal('updated'), ticket: TicketShape, note_id: z.int() }),
    errors: ['NotFound'],
  }),
};

import { z } from 'zod';
import { accessStatuses } from '../../../domain/access';
import { riskLevels } from '../../../domain/gate';
import { operation } from '../../operation';
import { byId, flag, Instant, intId, name, prose } from '../shapes';
import { AccessShape, LeaseShape, ScopeShape, TicketShape } from './ticket-shapes';

const scope = {
  system: name(100),
  resource_type: name(100).default('resource'),
  resource_id: name(200).default('*'),
  action: name(50).default('read'),
};
const noSecrets = z.literal(false).describe('No answer of this server holds a secret');

export const access = {
  listAccessRequests: operation({
    route: 'GET /api/tickets/:ticket_id/access-requests',
    tag: 'Tickets',
    summary: 'Access requests of a ticket, with child ticket, gate and grant',
    access: 'tickets:read',
    params: byId('ticket_id'),
    output: z.object({ access_requests: z.array(AccessShape), total: z.int() }),
  }),
  requestAccess: operation({
    route: 'POST /api/tickets/:ticket_id/access-request',
    tag: 'Tickets',
    summary: 'Ask for access: a child ticket for the owning group, and a gate that people decide',
    access: 'access:request',
    params: byId('ticket_id'),
    body: z.object({
      agent_id: intId.optional(),
      resource: name(500),
      permission: name(200),
      account_ref: name(200).optional(),
      assignment_group: name(200)
        .optional()
        .describe('Unset: that of the RACI rule about access that fits best, else Identity & Access'),
      risk_level: z.enum(riskLevels).default('medium'),
      sync_provider: flag
        .optional()
        .describe(
          'Whether the child ticket goes to the active provider as well, as new tickets do; false: kept here alone',
        ),
      reason: prose.optional(),
      requester: name(100)
        .optional()
        .describe('A label: who asks is the authenticated principal, or the agent it acts for'),
      created_by: name(100).optional().describe('The same as requester'),
      lease_request: z
        .object({
          ...scope,
          expires_at: Instant.optional().describe('The lease lives at most as long as from now to then'),
        })
        .optional(),
    }),
    output: z.object({
      status: z.enum(accessStatuses),
      access_request_id: z.int(),
      parent_ticket_id: z.int(),
      access_ticket_id: z.int(),
      change_id: z.int(),
      resource: z.string(),
      permission: z.string(),
      assignment_group: z.string(),
      lease_request: ScopeShape.nullable().describe('What the credential would be good for; null: there is none'),
      lease_request_inferred: z.boolean().describe('Read off the names of resource and permission'),
      access_raci: z.object({
        responsible: z.string(), accountable: z.string(), consulted: z.array(z.string()), informed: z.array(z.string()),
        rule_id: z.int().nullable().describe('The row of the RACI matrix that says so; null: none does'),
      }), // prettier-ignore
      access_ticket: TicketShape,
    }),
    errors: ['NotFound', 'Forbidden', 'Conflict'],
  }),
  listLeases: operation({
    route: 'GET /api/agents/:agent_id/vault',
    tag: 'Agents',
    summary: 'The leases of an agent, as references',
    access: 'agents:read',
    params: byId('agent_id'),
    output: z.object({ agent_id: z.int(), leases: z.array(LeaseShape), secret_values_returned: noSecrets }),
  }),
  checkLease: operation({
    route: 'POST /api/agents/:agent_id/vault/lease',
    tag: 'Agents',
    summary: 'Ask whether an active lease covers this; creates none, and is written to the log',
    access: 'agents:read',
    params: byId('agent_id'),
    body: z.object(scope),
    output: z.object({
      allow: z.literal(true),
      lease_id: z.int(),
      agent_id: z.int(),
      system: z.string(),
      resource_type: z.string(),
      resource_id: z.string(),
      action: z.string(),
      credential_ref: z.string(),
      credential_value: z.null(),
      broker_trace: z.object({
        decision: z.literal('allow'), reason: z.string(), audited: z.literal(true), secret_values_returned: noSecrets,
      }), // prettier-ignore
    }),
    errors: ['NotFound', 'Forbidden'],
  }),
};

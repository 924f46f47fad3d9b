import { z } from 'zod';
import { noticeEvents, noticeStates } from '../../../domain/gate-notice';
import { gateStatuses, riskLevels, verdicts } from '../../../domain/gate';
import { QuorumPolicy } from '../../../domain/quorum.schema';
import { operation } from '../../operation';
import { byId, Instant, intId, name, page, prose } from '../shapes';

export const ChangeShape = z.object({
  id: z.int(),
  agent_id: z.int().nullable(),
  ticket_id: z.int().nullable(),
  action: z.string(),
  target: z.string(),
  reason: z.string().nullable(),
  command: z.string().nullable(),
  risk_level: z.enum(riskLevels),
  approval_policy: z.record(z.string(), z.unknown()),
  digest: z
    .string()
    .nullable()
    .describe('What an approval is sealed to: sha256 over tool, arguments, target and policy'),
  status: z.enum(gateStatuses),
  requested_by: z.string(),
  on_behalf_of: z.string().nullable(),
  requested_at: Instant,
  expires_at: Instant,
  approved_by: z.string().nullable().describe('Who decided, the rejecter too'),
  approved_at: Instant.nullable(),
  rejected_reason: z.string().nullable(),
  result: z.string().nullable(),
  workflow_id: z.string().describe("The gate's process, for Signals from the Temporal CLI"),
  workflow_url: z.string().nullable().describe('The gate in the Temporal UI'),
});

const policy = z
  .looseObject({
    requires_human: z.boolean().optional(),
    auto_complete: z.boolean().optional(),
    manual_completion_required: z.boolean().optional(),
    ...QuorumPolicy.partial().shape,
  })
  .refine((p) => p.quorum !== undefined || (p.remind === undefined && p.escalate === undefined), {
    path: ['quorum'],
    message: 'say who decides: they are reminded, and it is their decision that is escalated',
  });
const tag = 'Change Requests';
const status = ChangeShape.pick({
  id: true, status: true, approved_by: true, approved_at: true, rejected_reason: true, result: true, action: true, target: true,
  risk_level: true, requested_at: true, expires_at: true,
}); // prettier-ignore

const Missing = z.object({
  need: z.string(),
  have: z.int(),
  from: z.array(z.string()).describe('Who could still vote for it'),
});
const Approval = z.object({
  scope: z.literal('changes:approve').describe('What whoever decides has to hold'),
  except: z.array(z.string()).describe('Whose word does not count: who asked, and whom the quorum leaves out'),
  quorum: z.string().nullable().describe('Null: one who holds the scope is enough'),
  can_decide: z
    .array(z.object({ id: z.string(), name: z.string(), groups: z.array(z.string()) }))
    .nullable()
    .describe('Who can vote now; null: whoever holds the scope'),
  missing: z.array(Missing),
  votes: z.array(
    z.object({
      id: z.string(),
      by: z.string(),
      verdict: z.enum(verdicts),
      reason: z.string().nullable(),
      at: Instant,
      groups: z.array(z.string()),
    }),
  ),
  reminded_at: z.array(Instant),
  escalation: z.object({ to: z.string(), at: Instant, escalated: z.boolean() }).nullable(),
  told: z
    .array(
      z.object({
        id: z.uuid(), group: z.string(), event: z.enum(noticeEvents), n: z.int(), status: z.enum(noticeStates), attempts: z.int(),
        error: z.string().nullable(), delivered_at: Instant.nullable(),
      }), // prettier-ignore
    )
    .describe('Groups that were told of it by webhook; moot: it was decided before'),
});
const voted = {
  already_voted: z.boolean().optional().describe('The caller had said the same before'),
  missing: z.array(Missing).optional().describe('What the quorum still lacks'),
};

export const changes = {
  listChanges: operation({
    route: 'GET /api/changes',
    tag,
    summary: 'List change requests, newest first',
    access: 'changes:read',
    query: page.extend({
      status: z.enum(gateStatuses).optional(),
      agent_id: intId.optional(),
      ticket_id: intId.optional(),
    }),
    output: z.object({ changes: z.array(ChangeShape), total: z.int(), pending: z.int() }),
  }),
  listPendingChanges: operation({
    route: 'GET /api/changes/pending',
    tag,
    summary: 'Changes that wait for a decision, oldest first',
    access: 'changes:read',
    output: z.object({ changes: z.array(ChangeShape.extend({ waiting_seconds: z.int() })), count: z.int() }),
  }),
  changeStats: operation({
    route: 'GET /api/changes/stats',
    tag,
    summary: 'How many changes stand where',
    access: 'changes:read',
    output: z.object({ pending: z.int(), approved: z.int(), rejected: z.int(), completed: z.int(), expired: z.int() }),
  }),
  getChange: operation({
    route: 'GET /api/changes/:change_id',
    tag,
    summary: 'One change request',
    access: 'changes:read',
    params: byId('change_id'),
    output: ChangeShape,
  }),
  getChangeStatus: operation({
    route: 'GET /api/changes/:change_id/status',
    tag,
    summary: 'Compact state of a change, for agents that poll, with who can decide now',
    access: 'changes:read',
    params: byId('change_id'),
    output: status.extend({ approval: Approval }),
  }),
  requestChange: operation({
    route: 'POST /api/changes/request',
    tag,
    summary: 'Ask people to decide on a change; with agent_id the agent is the requester',
    access: 'changes:request',
    body: z.object({
      agent_id: intId.optional(),
      ticket_id: intId,
      action: name(100),
      target: name(2000),
      reason: prose.optional(),
      command: prose.optional(),
      risk_level: z.enum(riskLevels).default('unknown'),
      approval_policy: policy.default({}),
    }),
    output: z.object({ change_id: z.int(), status: z.enum(gateStatuses) }),
    errors: ['NotFound', 'Forbidden'],
  }),
  approveChange: operation({
    route: 'POST /api/changes/:change_id/approve',
    tag,
    summary: 'Approve a change that waits; a repeat changes nothing and says so. With a quorum: vote for it',
    access: 'changes:approve',
    params: byId('change_id'),
    body: z.object({
      approved_by: name(100).optional().describe('A label: who decides is the authenticated principal'),
      actor: name(100).optional(),
      reason: prose.optional(),
      approval_reason: prose.optional(),
    }),
    output: z.object({
      status: z.enum(gateStatuses).describe('approved; pending where the vote counts and a quorum needs more of them'),
      change_id: z.int(),
      already_approved: z.boolean().optional(),
      ...voted,
      resume: z.object({ status: z.string(), agent_id: z.int().nullable(), task_id: z.int().nullable() }),
    }),
    errors: ['NotFound', 'Forbidden', 'Conflict'],
  }),
  rejectChange: operation({
    route: 'POST /api/changes/:change_id/reject',
    tag,
    summary: 'Reject a change that waits. With a quorum: vote against it',
    access: 'changes:approve',
    params: byId('change_id'),
    body: z.object({ rejected_by: name(100).optional(), actor: name(100).optional(), reason: prose.optional() }),
    output: z.object({
      status: z.enum(gateStatuses).describe('rejected; pending where the vote counts and others could still approve'),
      change_id: z.int(),
      ...voted,
    }),
    errors: ['NotFound', 'Forbidden', 'Conflict'],
  }),
  completeChange: operation({
    route: 'POST /api/changes/:change_id/complete',
    tag,
    summary: 'Say that an approved change is carried out, with the evidence',
    access: 'changes:complete',
    params: byId('change_id'),
    body: z
      .object({
        completed_by: name(100).optional(),
        actor: name(100).optional(),
        agent_id: z.union([intId, name(100)]).optional(),
        result: prose.optional(),
        evidence: prose.optional(),
        output: prose.optional(),
      })
      .refine((b) => Boolean(b.result ?? b.evidence ?? b.output), { path: ['result'], message: 'say what was done' })
      .meta({ example: { result: 'Blocked, and verified from outside.' } }),
    output: z.object({
      status: z.literal('completed'),
      change_id: z.int(),
      access_sync: z.object({
        status: z.string(),
        access_request_id: z.int().nullable(),
        granted_leases: z.array(z.string()),
        provider_close: z
          .object({ status: z.string(), reason: z.string().optional() })
          .describe('What the provider of the child ticket made of its end'),
      }),
    }),
    errors: ['NotFound', 'Conflict'],
  }),
};

import { z } from 'zod';
import { riskLevels } from '../../../domain/gate';
import { QuorumPolicy } from '../../../domain/quorum.schema';
import { operation } from '../../operation';
import { byId, flag, Instant, name, webhookUrl } from '../shapes';

const tag = 'Approvers';

export const channel = webhookUrl
  .nullable()
  .optional()
  .describe('Where the group hears by signed webhook that a change waits for it; null: nowhere');
export const signingSecret = {
  signing_secret: z.string().optional().describe('What its webhooks are signed with, where notify_channel is given'),
};

const Member = z.object({
  id: z.uuid(),
  name: z.string(),
  kind: z.enum(['user', 'service']),
  active: z.boolean().describe('False: left out of changes that are asked for now'),
});
const action = name(200).describe('Of a change; `*` stands for anything');
const riskLevelsOf = z.array(z.enum(riskLevels)).max(riskLevels.length);

export const approvers = {
  listApproverGroups: operation({
    route: 'GET /api/approver-groups',
    tag,
    summary: 'Groups that quorums name, with their members; the groups of the RACI matrix',
    access: 'changes:read',
    output: z.object({
      groups: z.array(
        z.object({
          id: z.int(),
          name: z.string(),
          description: z.string(),
          notify_channel: z.string().nullable(),
          members: z.array(Member),
          created_at: Instant,
          updated_at: Instant,
        }),
      ),
      total: z.int(),
    }),
  }),
  saveApproverGroup: operation({
    route: 'POST /api/approver-groups',
    tag,
    summary:
      'Make a group, or say who is in the one of that name; changes that wait keep the people they were asked with',
    access: 'approvers:write',
    body: z.object({
      name: name(100).regex(/^[^"\p{C}]+$/u, 'must have no quotation marks'),
      description: z.string().trim().max(2_000).optional(),
      notify_channel: channel,
      members: z
        .array(name(320))
        .max(200)
        .describe('Users by e-mail or id; services by the id of their key. Replaces those before'),
    }),
    output: z.object({
      id: z.int(),
      name: z.string(),
      status: z.literal('saved'),
      members: z.array(z.string()),
      ...signingSecret,
    }),
  }),
  deleteApproverGroup: operation({
    route: 'DELETE /api/approver-groups/:id',
    tag,
    summary: 'Take a group out of use',
    access: 'approvers:write',
    params: byId('id'),
    output: z.object({ id: z.int(), status: z.literal('disabled') }),
    errors: ['NotFound'],
  }),
  listApprovalRules: operation({
    route: 'GET /api/approval-rules',
    tag,
    summary: 'Rules that say whom an action needs, whoever asks for it',
    access: 'changes:read',
    output: z.object({
      rules: z.array(
        z.object({
          id: z.int(),
          name: z.string(),
          action: z.string(),
          risk_levels: riskLevelsOf,
          ...QuorumPolicy.shape,
          created_at: Instant,
          updated_at: Instant,
        }),
      ),
      total: z.int(),
    }),
  }),
  saveApprovalRule: operation({
    route: 'POST /api/approval-rules',
    tag,
    summary:
      'Say whom an action needs, or change what the rule of that name says; of those that match the narrowest counts',
    access: 'approvers:write',
    body: z
      .object({
        name: name(100),
        action: action.default('*'),
        risk_levels: riskLevelsOf.default([]),
        enabled: flag.default(true),
      })
      .extend(QuorumPolicy.shape)
      .meta({ example: { name: 'example', action: 'example_action', quorum: '1 of approvers' } }),
    output: z.object({ id: z.int(), name: z.string(), status: z.literal('saved') }),
  }),
  deleteApprovalRule: operation({
    route: 'DELETE /api/approval-rules/:id',
    tag,
    summary: 'Take a rule out of use; changes that wait keep what they were asked with',
    access: 'approvers:write',
    params: byId('id'),
    output: z.object({ id: z.int(), status: z.literal('disabled') }),
    errors: ['NotFound'],
  }),
};

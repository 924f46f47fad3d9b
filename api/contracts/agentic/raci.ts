import { z } from 'zod';
import { riskLevels } from '../../../domain/gate';
import { operation } from '../../operation';
import { byId, flag, name } from '../shapes';
import { channel, signingSecret } from './approvers';
import { priorityInput } from './tickets';

const tag = 'Service desk intake';

const names = z.array(name(100)).max(100);
const quotable = name(100).regex(/^[^"\p{C}]+$/u, 'must have no quotation marks');
const Group = z.object({
  id: z.int(),
  name: z.string(),
  description: z.string(),
  default_assignee: z.string().nullable(),
  risk_level: z.string(),
  notify_channel: z.string().nullable().describe('Where it hears of changes that wait for it'),
  enabled: z.boolean(),
});
const group = {
  notify_channel: channel,
  description: z.string().trim().max(2_000).optional(),
  default_assignee: name(200).nullable().optional(),
  risk_level: z.enum(riskLevels).optional(),
  enabled: flag.optional(),
};
const Rule = z.object({
  id: z.int(),
  name: z.string(),
  intent: z.string(),
  keywords: z.array(z.string()),
  ticket_class: z.string(),
  priority: z.string(),
  assignment_group: z.string(),
  responsible: z.string(),
  accountable: z.string(),
  consulted: z.array(z.string()),
  informed: z.array(z.string()),
  approval_required: z.boolean(),
  approval_action: z.string().nullable(),
  risk_level: z.string(),
  knowledge_tags: z.array(z.string()),
  auto_assign_agent: z.boolean(),
  auto_agent_model: z.string().nullable(),
  auto_agent_prompt: z.string().nullable(),
  enabled: z.boolean(),
});
const rule = {
  intent: name(100).optional().describe('`general` unless given'),
  keywords: names.optional().describe('Whole words of a ticket'),
  ticket_class: name(100).optional(),
  priority: priorityInput.optional(),
  assignment_group: name(100).optional(),
  responsible: name(100).optional(),
  accountable: name(100).optional(),
  consulted: names.optional(),
  informed: names.optional(),
  approval_required: flag.optional(),
  approval_action: name(100).nullable().optional(),
  risk_level: z.enum(riskLevels).optional(),
  knowledge_tags: names.optional(),
  auto_assign_agent: flag.optional().describe('Sets an agent to work on tickets that match'),
  auto_agent_model: name(200).nullable().optional(),
  auto_agent_prompt: z.string().trim().min(1).max(20_000).nullable().optional(),
  enabled: flag.optional(),
};
const saved = z.object({ id: z.int(), status: z.literal('saved') });
const updated = z.object({ id: z.int(), status: z.literal('updated') });
const disabled = z.object({ id: z.int(), status: z.literal('disabled') });

export const raci = {
  getRaci: operation({
    route: 'GET /api/intake/raci',
    tag,
    summary: 'The RACI matrix: groups and rules that are in use',
    access: 'intake:read',
    output: z.object({ groups: z.array(Group), rules: z.array(Rule) }),
  }),
  createRaciGroup: operation({
    route: 'POST /api/intake/raci/groups',
    tag,
    summary: 'Make a group, or change the one of that name; who is in it is said at /api/approver-groups',
    access: 'intake:write',
    body: z.object({ name: quotable, ...group }),
    output: saved.extend(signingSecret),
  }),
  updateRaciGroup: operation({
    route: 'PUT /api/intake/raci/groups/:id',
    tag,
    summary: 'Change a group; whether one with members is in use, with `approvers:write`',
    access: 'intake:write',
    params: byId('id'),
    body: z.object({ name: quotable.optional().describe('Of a group without members'), ...group }),
    output: updated.extend(signingSecret),
    errors: ['NotFound', 'Conflict'],
  }),
  deleteRaciGroup: operation({
    route: 'DELETE /api/intake/raci/groups/:id',
    tag,
    summary: 'Take a group out of use; one with members, with `approvers:write`',
    access: 'intake:write',
    params: byId('id'),
    output: disabled,
    errors: ['NotFound'],
  }),
  createRaciRule: operation({
    route: 'POST /api/intake/raci/rules',
    tag,
    summary: 'Make a rule, or change the one of that name',
    access: 'intake:write',
    body: z.object({ name: name(100), ...rule }),
    output: saved,
  }),
  updateRaciRule: operation({
    route: 'PUT /api/intake/raci/rules/:id',
    tag,
    summary: 'Change a rule',
    access: 'intake:write',
    params: byId('id'),
    body: z.object({ name: name(100).optional(), ...rule }),
    output: updated,
    errors: ['NotFound', 'Conflict'],
  }),
  deleteRaciRule: operation({
    route: 'DELETE /api/intake/raci/rules/:id',
    tag,
    summary: 'Take a rule out of use',
    access: 'intake:write',
    params: byId('id'),
    output: disabled,
    errors: ['NotFound'],
  }),
};

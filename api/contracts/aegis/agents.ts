import { z } from 'zod';
import { doorRiskLevels, doorStatuses } from '../../../domain/agent';
import { JsonObject } from '../../../domain/common.schema';
import { operation } from '../../operation';
import { byUuid, Instant, wholeOr } from '../shapes';

const tag = 'agents';
const byAgent = byUuid('agent_id');
const RiskLevel = z.enum(doorRiskLevels);
const Status = z.enum(doorStatuses);
const count = z.int().min(0);
const rate = z.number().min(0).max(1);

const plain = (text: string): boolean => !/<[a-z!/?]/i.test(text);
const Name = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9_-]{1,98}[a-z0-9]$/,
    'small letters, digits, _ and -, 3 to 100, a letter or digit at either end',
  );
const Description = z.string().trim().min(10).max(500).refine(plain, 'holds HTML');
const Owner = z.string().trim().min(1).max(200);
const Metadata = JsonObject.refine((m) => JSON.stringify(m).length <= 16_000, 'more than 16,000 characters');

const Permission = z.object({
  id: z.uuid(),
  agent_id: z.uuid(),
  tool_name: z.string(),
  action: z.enum(['ALLOW', 'DENY']),
  granted_by: z.string().nullable(),
  granted_at: Instant,
  expires_at: Instant.nullable(),
});
const Agent = z.object({
  id: z.uuid(),
  tenant_id: z.uuid(),
  org_id: z.uuid().describe('The tenant'),
  name: z.string(),
  description: z.string(),
  owner_id: z.string().nullable(),
  status: Status,
  restricted_because: z.string().nullable(),
  restricted_until: Instant.nullable().describe('When what began by itself is over'),
  risk_level: RiskLevel,
  metadata: JsonObject,
  created_at: Instant,
  updated_at: Instant,
  deleted_at: Instant.nullable(),
  permissions: z.array(Permission),
});

export const doorAgents = {
  listDoorAgents: operation({
    route: 'GET /agents',
    tag,
    summary: 'The agents of the tenant, newest first',
    access: 'agents:read',
    query: z.object({
      page: wholeOr(1, 1, 1_000_000),
      size: wholeOr(20, 1, 100),
      status: Status.optional(),
      owner_id: Owner.optional(),
    }),
    output: z.object({ items: z.array(Agent), total: count, page: z.int(), size: z.int(), pages: count }),
  }),
  summariseDoorAgents: operation({
    route: 'GET /agents/summary',
    tag,
    summary: 'How many agents stand where',
    access: 'agents:read',
    output: z.object({
      total: count,
      active: count,
      quarantined: count,
      terminated: count.describe('Deleted ones too'),
      high_risk: count.describe('Of risk level high or critical'),
    }),
  }),
  getDoorAgent: operation({
    route: 'GET /agents/:agent_id',
    tag,
    summary: 'One agent, with what it may call',
    access: 'agents:read',
    params: byAgent,
    output: Agent,
    errors: ['NotFound'],
  }),
  profileDoorAgent: operation({
    route: 'GET /agents/:agent_id/profile',
    tag,
    summary: 'What an agent did in 30 days, and how far it is from its habits',
    access: 'audit:read',
    params: byAgent,
    output: z.object({
      agent_id: z.uuid(),
      total_decisions: count,
      allowed: count,
      blocked: count,
      block_rate: rate,
      avg_risk_score: rate,
      risk_trend: z.array(rate).length(7).describe('Mean risk of each of the last seven days, the last is today'),
      top_tools: z.array(z.object({ tool: z.string(), count })),
      last_active: Instant.nullable(),
      behavioral_drift: rate.describe('Of the last day from the week before'),
      anomaly_score: rate.describe('The largest of the parts of the drift'),
    }),
    errors: ['NotFound'],
  }),
  createDoorAgent: operation({
    route: 'POST /agents',
    tag,
    summary: 'Register an agent that runs elsewhere and asks here before it calls a tool',
    access: 'agents:manage',
    status: 201,
    body: z
      .object({
        name: Name,
        description: Description,
        owner_id: Owner,
        risk_level: RiskLevel.default('medium'),
        metadata: Metadata.default({}),
      })
      .meta({ example: { name: 'mail-sorter', description: 'Sorts the mail by its topic', owner_id: 'dana' } }),
    output: Agent,
    errors: ['Conflict'],
  }),
  updateDoorAgent: operation({
    route: 'PATCH /agents/:agent_id',
    tag,
    summary: 'Change what is given of an agent; how it stands counts from its next call on',
    access: 'agents:manage',
    params: byAgent,
    body: z.object({
      name: Name.optional(),
      description: Description.optional(),
      status: Status.optional(),
      reason: z.string().trim().min(1).max(500).optional().describe('Why it stands so, for whoever is refused'),
      risk_level: RiskLevel.optional(),
      metadata: Metadata.optional(),
    }),
    output: Agent,
    errors: ['NotFound', 'Conflict'],
  }),
  deleteDoorAgent: operation({
    route: 'DELETE /agents/:agent_id',
    tag,
    summary: 'Delete an agent: it calls nothing more, and its keys open nothing; what it did stays',
    access: 'agents:manage',
    params: byAgent,
    output: z.object({ id: z.uuid(), deleted_at: Instant }),
    errors: ['NotFound'],
  }),
  listPermissions: operation({
    route: 'GET /agents/:agent_id/permissions',
    tag,
    summary: 'What an agent may call, and what it may not',
    access: 'agents:read',
    params: byAgent,
    output: z.array(Permission),
    errors: ['NotFound'],
  }),
  grantPermission: operation({
    route: 'POST /agents/:agent_id/permissions',
    tag,
    summary: 'Allow or deny an agent a tool, or all of them; counts from its next call on, and a denial counts most',
    access: 'agents:manage',
    status: 201,
    params: byAgent,
    body: z
      .object({
        tool_name: z
          .string()
          .max(200)
          .regex(/^([a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)*|\*)$/, 'a tool, as in files.read, or *'),
        action: z.enum(['ALLOW', 'DENY']).default('ALLOW'),
        granted_by: z.string().trim().min(1).max(200).optional(),
        expires_at: z.iso
          .datetime({ offset: true, abort: true })
          .refine((at) => Date.parse(at) > Date.now(), 'must be in the future')
          .nullish(),
      })
      .meta({ example: { tool_name: 'files.read' } }),
    output: Permission,
    errors: ['NotFound', 'Conflict'],
  }),
  revokePermission: operation({
    route: 'DELETE /agents/:agent_id/permissions/:permission_id',
    tag,
    summary: 'Take a grant back, or a denial',
    access: 'agents:manage',
    params: byUuid('agent_id').extend({ permission_id: z.uuid() }),
    output: z.object({ revoked: z.literal(true) }),
    errors: ['NotFound'],
  }),
  registryTools: operation({
    route: 'GET /registry/tools',
    tag: 'registry',
    summary: 'The names of tools that are known here: served, granted, or usual',
    access: 'tools:read',
    output: z.array(z.string()),
  }),
};

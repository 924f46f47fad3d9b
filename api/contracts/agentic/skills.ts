import { z } from 'zod';
import { operation } from '../../operation';
import { byId, flag, Instant, intId, name, whole } from '../shapes';

const tag = 'Skills';

const Parameter = z.object({
  name: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/)
    .describe('As it stands in the template: {name}'),
  description: z.string().trim().max(500).default(''),
  required: flag.default(false),
  default: z.string().max(5_000).nullable().default(null),
});

export const SkillShape = z.object({
  id: z.int(),
  name: z.string(),
  description: z.string(),
  category: z.string(),
  prompt_template: z.string(),
  parameters: z.array(Parameter).describe('What the places of the template stand for, declared or not'),
  enabled: z.boolean(),
  assigned_to_all: z.boolean(),
  assigned_agents: z.array(z.string()).describe('Names of the agents whose runs have it'),
  state: z.enum(['candidate', 'active']).describe('A candidate came of a promotion, and is assigned to nobody yet'),
  version: z.int().describe('The version in use'),
  candidate_version: z.int().nullable().describe('One that may take its place'),
  created_at: Instant,
  updated_at: Instant,
});
const Version = SkillShape.pick({ version: true, description: true, prompt_template: true, parameters: true }).extend({
  state: z.enum(['active', 'candidate', 'earlier']),
  changed_by: z.string(),
  changed_at: Instant,
});

const content = {
  description: z.string().trim().max(5_000).optional(),
  category: name(100).optional().describe('`general` unless given'),
  parameters: z.array(Parameter).max(50).optional(),
  enabled: flag.optional(),
  assigned_to_all: flag.optional(),
  assigned_agents: z.array(name(100)).max(200).optional().describe('Names of agents; replaces those that were named'),
};
const template = z.string().min(1).max(50_000);
/** A row of the body's own: names, and their values. */
const Values = z.record(z.string(), z.unknown()).meta({ example: {} });

export const skills = {
  listSkills: operation({
    route: 'GET /api/skills',
    tag,
    summary: 'List skills',
    access: 'skills:read',
    query: z.object({ category: name(100).optional(), enabled_only: flag.default(true) }),
    output: z.object({ skills: z.array(SkillShape), total: z.int() }),
  }),
  getSkill: operation({
    route: 'GET /api/skills/:id',
    tag,
    summary: 'One skill, with its versions',
    access: 'skills:read',
    params: byId('id'),
    output: SkillShape.extend({ versions: z.array(Version).describe('The latest 100, and those in use') }),
  }),
  createSkill: operation({
    route: 'POST /api/skills',
    tag,
    summary: 'Create a skill',
    access: 'skills:write',
    body: z.object({ name: name(200), prompt_template: template, ...content }),
    output: z.object({ id: z.int(), name: z.string() }),
    errors: ['Conflict'],
  }),
  updateSkill: operation({
    route: 'PUT /api/skills/:id',
    tag,
    summary: 'Change a skill, or lay a candidate beside it, or take a version into use',
    access: 'skills:write',
    params: byId('id'),
    body: z.object({
      name: name(200).optional(),
      prompt_template: template.optional(),
      ...content,
      candidate: flag
        .optional()
        .describe('Keep description, prompt_template and parameters as the candidate, and go on with what is in use'),
      activate_version: whole(1, 2_147_483_647)
        .optional()
        .describe('Take this version into use: the candidate, or an earlier one'),
    }),
    output: z.object({
      status: z.literal('updated'),
      id: z.int(),
      version: z.int(),
      candidate_version: z.int().nullable(),
    }),
    errors: ['NotFound', 'Conflict'],
  }),
  deleteSkill: operation({
    route: 'DELETE /api/skills/:id',
    tag,
    summary: 'Delete a skill; its versions stay in the log of what was',
    access: 'skills:write',
    params: byId('id'),
    output: z.object({ status: z.literal('deleted'), id: z.int() }),
    errors: ['NotFound'],
  }),
  renderSkill: operation({
    route: 'POST /api/skills/:id/render',
    tag,
    summary: 'Put values into the places of a template; a place without one stays',
    access: 'skills:read',
    params: byId('id'),
    query: z.object({ version: whole(1, 2_147_483_647).optional().describe('Another than the version in use') }),
    body: Values,
    output: z.object({ name: z.string(), rendered: z.string(), version: z.int() }),
    errors: ['NotFound'],
  }),
  listAgentSkills: operation({
    route: 'GET /api/skills/agent/:agent_id',
    tag,
    summary: 'The skills that an agent has: of all, its own, and those of the active workflow for its ticket',
    access: 'skills:read',
    params: z.object({ agent_id: intId }),
    output: z.object({
      skills: z.array(SkillShape.extend({ matched_by: z.enum(['all', 'assigned', 'profile', 'workflow']) })),
      total: z.int(),
    }),
  }),
};

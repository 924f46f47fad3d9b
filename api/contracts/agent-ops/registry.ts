import { z } from 'zod';
import { agentStatuses, agentTypes, runtimes } from '../../../domain/agent';
import { JsonObject } from '../../../domain/common.schema';
import { operation } from '../../operation';
import { byUuid, Instant, name, prose } from '../shapes';
import { cronFault, cronShape } from './cron';
import { at, keysetPage, listed } from './door';

const tag = 'registry';
const params = byUuid('id');

/** The door writes a status in small letters. */
const lower = <T extends string>(values: readonly T[]) => values.map((v) => v.toLowerCase() as Lowercase<T>);
const Status = z.enum(lower(agentStatuses));

export const AgentShape = z.object({
  id: z.uuid(),
  company_id: z.uuid(),
  name: z.string(),
  display_name: z.string(),
  description: z.string(),
  agent_type: z.enum(agentTypes),
  status: Status,
  runtime: z.enum(runtimes),
  schedule: z.string().nullable(),
  timezone: z.string(),
  capabilities: z.array(z.string()),
  configuration: JsonObject,
  model: z.string().nullable(),
  current_version: z.int().describe('Of its definition; 0: nobody has defined it'),
  last_run_at: Instant.nullable(),
  last_success_at: Instant.nullable(),
  last_failure_at: Instant.nullable(),
  consecutive_failures: z.int(),
  created_at: Instant,
  updated_at: Instant,
});

/** Zones of the IANA database as this process knows them; an offset is none. */
function zoneOf(given: string): string | null {
  if (!/^[A-Za-z]/.test(given)) return null;
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: given }).resolvedOptions();
    return timeZone.toLowerCase() === given.toLowerCase() ? timeZone : given;
  } catch {
    return null; // a RangeError is Intl's way to say that it knows no such zone
  }
}
const Timezone = z
  .string()
  .max(64)
  .transform((given, ctx) => {
    const zone = zoneOf(given);
    if (zone !== null) return zone;
    ctx.addIssue('not a time zone: a name of the IANA database, as in Europe/Berlin');
    return z.NEVER;
  });

const Schedule = z
  .string()
  .trim()
  .max(200)
  .superRefine((expression, ctx) => {
    const fault = cronFault(expression);
    if (fault !== null) ctx.addIssue(fault);
  })
  .describe(`A cron expression: ${cronShape}`);

const agentName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'letters, digits, dots, hyphens and underscores')
  .max(100);
const Configuration = JsonObject.refine((c) => JSON.stringify(c).length <= 64_000, 'more than 64,000 characters');

const Capabilities = z.array(name(100)).max(100).describe('Those that are the name of a tool are what it may call');

const changeable = {
  display_name: name(200),
  description: z.string().max(20_000),
  agent_type: z.enum(agentTypes),
  status: Status,
  runtime: z.enum(runtimes),
  schedule: Schedule.nullable(),
  timezone: Timezone,
  capabilities: Capabilities,
  configuration: Configuration,
};

export const registry = {
  listRegistry: operation({
    ...at('GET', '/registry'),
    tag,
    summary: 'The registered agents, newest first',
    access: 'agent-ops:read',
    query: keysetPage.extend({ agent_type: z.enum(agentTypes).optional(), status: Status.optional() }),
    ...listed(AgentShape),
  }),
  registerAgent: operation({
    ...at('POST', '/registry'),
    tag,
    summary: 'Register an agent; with a schedule it runs by itself from then on',
    access: 'agent-ops:write',
    status: 201,
    body: z.object({ name: agentName, ...z.object(changeable).partial().shape }),
    output: AgentShape,
    errors: ['Conflict'],
  }),
  getRegistered: operation({
    ...at('GET', '/registry/:id'),
    tag,
    summary: 'One registered agent',
    access: 'agent-ops:read',
    params,
    output: AgentShape,
    errors: ['NotFound'],
  }),
  updateRegistered: operation({
    ...at('PATCH', '/registry/:id'),
    tag,
    summary: 'Change what is given of an agent; its schedule follows',
    access: 'agent-ops:write',
    params,
    body: z.object(changeable).partial(),
    output: AgentShape,
    errors: ['NotFound'],
  }),
  deleteRegistered: operation({
    ...at('DELETE', '/registry/:id'),
    tag,
    summary: 'Delete an agent: it runs no more and is in no list; what it did stays, and its name is free again',
    access: 'agent-ops:delete',
    status: 204,
    params,
    output: z.void(),
    errors: ['NotFound'],
  }),
  testRun: operation({
    ...at('POST', '/registry/:id/test-run'),
    tag,
    summary: 'Start a run of an active managed agent by hand',
    access: 'agent-ops:write',
    status: 202,
    params,
    body: z.object({
      trigger_context: JsonObject.refine((c) => JSON.stringify(c).length <= 16_000, 'more than 16,000 characters')
        .default({ source: 'api-test-run' })
        .describe('What the run is told of why it was started'),
    }),
    output: z.object({
      run_id: z.uuid(),
      session_id: z.string().describe('The workflow, as the Temporal UI knows it'),
      trigger_kind: z.literal('manual'),
    }),
    errors: ['NotFound', 'Conflict'],
  }),
  defineAgent: operation({
    ...at('POST', '/registry/:id/definition'),
    tag,
    summary: 'Change the definition of an agent: what is given replaces what stood, and a version more is written',
    access: 'agent-ops:write',
    params,
    body: z.object({
      agent: z.looseObject({
        name: name(200).optional(),
        system_prompt: prose.optional(),
        model: name(200).optional(),
        capabilities: Capabilities.optional(),
        harness: z.literal('embedded', 'is embedded: no other works here').optional(),
      }),
    }),
    output: z.object({ id: z.uuid(), name: z.string(), current_version: z.int(), updated_at: Instant }),
    errors: ['NotFound'],
  }),
};

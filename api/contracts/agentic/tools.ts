import { z } from 'zod';
import { serverName, toolName, toolStatuses, toolTypes } from '../../../domain/tool-server';
import { moduleStates } from '../../../domain/modules';
import { operation } from '../../operation';
import { byId, flag, Instant, name, whole, wholeOr } from '../shapes';
import { ScopeShape } from './ticket-shapes';

const tag = 'Tools';
const text = z.string().nullable();
const ms = z.number().nullable();
const status = z.enum(toolStatuses);
const checked = z.enum(['healthy', 'degraded', 'down']);

export const ModuleShape = z.object({
  module_id: z.string(),
  deployment_status: z.enum(moduleStates),
  check_status: status,
  source: z.enum(['asked', 'check', 'configuration']).describe('Where the status comes from'),
  tool: z.string().optional().describe('The tool whose checks say it'),
});

const Tool = z.object({
  id: z.int(),
  name: z.string(),
  type: z.enum(toolTypes),
  description: z.string(),
  host: text,
  port: z.int().nullable(),
  enabled: z.boolean(),
  status: status.describe('`unknown` when it was not looked at for long'),
  last_check: Instant.nullable(),
  last_check_status: checked.nullable(),
  response_time_ms: ms,
});

const Check = z.object({ timestamp: Instant, status: checked, response_time_ms: ms, error: text });
const Looked = z.object({ tool_id: z.int(), name: z.string(), status: checked, response_time_ms: ms, error: text });

const Server = z.object({
  transport: z.enum(['stdio', 'http']),
  command: text,
  url: text,
  has_secrets: z.boolean().describe('Headers are sent along; they are never shown'),
  timeout_ms: z.int(),
  trust_annotations: z.boolean(),
  leases: z.array(ScopeShape).describe('What of leases may be sent to it'),
});
const Served = z.object({
  name: z.string().describe('As agents call it, and as it is granted'),
  description: z.string(),
  effect: z.enum(['read', 'write', 'external']).describe('A call of an `external` one waits for people'),
  input_schema: z.record(z.string(), z.unknown()),
  digest: text.describe('Of its definition: an approval of a call is sealed to it'),
  enabled: z.boolean(),
  problem: text.describe('Why it cannot be called'),
});

const choice = z.object({
  effect: z.enum(['read', 'external']).optional().describe('`read`: changes nothing, and needs no approval'),
  content: z.enum(['prose', 'instruction']).optional().describe('How its arguments are screened'),
  repeatable: flag.optional().describe('A repeat under the same key does nothing more'),
  enabled: flag.optional(),
});
const headerName = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/;
const ownHeaders = /^(host|content-.*|connection|transfer-encoding|upgrade|accept|mcp-.*)$/i;
const header = z
  .string()
  .regex(headerName, 'no name of a header')
  .refine((n) => !ownHeaders.test(n), 'is set by this server itself');

const url = z
  .url({ protocol: /^https?$/ })
  .max(2_000)
  .refine(
    (u) => !URL.canParse(u) || (new URL(u).username === '' && new URL(u).password === ''),
    'holds a password: give it in headers',
  )
  .describe('Where its MCP endpoint is, streamable HTTP');
const settings = {
  description: z.string().trim().max(2_000).optional(),
  transport: z.enum(['stdio', 'http']).optional().describe('`http` when a url is given, else `stdio`'),
  command: z
    .string()
    .trim()
    .min(1)
    .max(40)
    .optional()
    .describe('One that the operator of the installation allows, by its name'),
  url: url.optional(),
  headers: z
    .record(
      header,
      z
        .string()
        .max(8_192)
        .regex(/^[\t\x20-\x7e]*$/, 'printable ASCII alone'),
    )
    .refine((h) => Object.keys(h).length <= 20, '20 at most')
    .optional()
    .describe('Sent along with every request; sealed, and never shown'),
  timeout_ms: whole(100, 120_000).optional().describe('Of one call; 30000 unless given'),
  trust_annotations: flag
    .optional()
    .describe('Believe the server which of its tools only read, and which may be repeated'),
  enabled: flag.optional(),
  leases: z
    .array(
      z.strictObject({
        system: name(100), resource_type: name(100).default('*'), resource_id: name(200).default('*'), action: name(50).default('*'),
      }), // prettier-ignore
    )
    .max(50)
    .optional()
    .describe(
      'What of leases may be sent to it, `*` and `?` as globs: in arguments, where a `<vault:…>` stands for it',
    ),
  tools: z
    .record(z.string().regex(toolName, 'no name of a tool'), choice)
    .refine((t) => Object.keys(t).length <= 200, '200 at most')
    .optional()
    .describe('What is said of single tools. It holds for the definition that they have by now: not for a changed one'),
};
const slug = z.string().trim().regex(serverName, 'a small letter, then small letters, digits, - and _, 40 at most');

export const tools = {
  listTools: operation({
    route: 'GET /api/tools',
    tag,
    summary: 'List tools: tool servers of this tenant, and the parts that the installation has for it',
    access: 'tools:read',
    output: z.object({ tools: z.array(Tool), total: z.int(), setup_modules: z.array(ModuleShape) }),
  }),
  toolStatus: operation({
    route: 'GET /api/tools/status',
    tag,
    summary: 'Status of all tools',
    access: 'tools:read',
    output: z.object({
      healthy: z.int(),
      degraded: z.int(),
      down: z.int(),
      unknown: z.int(),
      tools: z.array(z.object({ name: z.string(), status })),
    }),
  }),
  getTool: operation({
    route: 'GET /api/tools/:id',
    tag,
    summary: 'One tool, its latest checks, and what it offers to agents',
    access: 'tools:read',
    params: byId('id'),
    output: Tool.extend({
      error: text.describe('What the last check found wrong'),
      server: Server.nullable(),
      tools: z.array(Served),
      recent_checks: z.array(Check),
    }),
    errors: ['NotFound'],
  }),
  toolHistory: operation({
    route: 'GET /api/tools/:id/history',
    tag,
    summary: 'What the checks of a tool came to, newest first',
    access: 'tools:read',
    params: byId('id'),
    query: z.object({ hours: wholeOr(24, 1, 24 * 365), limit: wholeOr(1000, 1, 10_000) }),
    output: z.object({ tool_id: z.int(), checks: z.array(Check), count: z.int() }),
    errors: ['NotFound'],
  }),
  checkTool: operation({
    route: 'POST /api/tools/:id/check',
    tag,
    summary: 'Look at one tool now',
    access: 'tools:operate',
    params: byId('id'),
    output: Looked,
    errors: ['NotFound', 'Conflict'],
  }),
  checkAllTools: operation({
    route: 'POST /api/tools/check-all',
    tag,
    summary: 'Look at all tools now',
    access: 'tools:operate',
    output: z.object({ results: z.array(Looked), count: z.int() }),
  }),
  createToolServer: operation({
    route: 'POST /api/tools',
    tag,
    summary: 'Add a tool server. Its tools are there once it was looked at',
    access: 'tools:manage',
    body: z
      .object({ name: slug, ...settings })
      .meta({ example: { name: 'example', url: 'https://tools.example.com/mcp', enabled: false } }),
    output: z.object({ id: z.int(), name: z.string(), status: z.literal('created') }),
    errors: ['Conflict'],
  }),
  updateToolServer: operation({
    route: 'PUT /api/tools/:id',
    tag,
    summary: 'Change a tool server; what is not given stays',
    access: 'tools:manage',
    params: byId('id'),
    body: z.object({ name: slug.optional().describe('Does not change'), ...settings }),
    output: z.object({ id: z.int(), name: z.string(), status: z.literal('updated') }),
    errors: ['NotFound', 'Conflict'],
  }),
  deleteToolServer: operation({
    route: 'DELETE /api/tools/:id',
    tag,
    summary: 'Take a tool server away: no call reaches it any more',
    access: 'tools:manage',
    params: byId('id'),
    output: z.object({ id: z.int(), name: z.string(), status: z.literal('deleted') }),
    errors: ['NotFound', 'Conflict'],
  }),
};

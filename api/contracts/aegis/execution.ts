import { z } from 'zod';
import { JsonObject } from '../../../domain/common.schema';
import { operation } from '../../operation';
import { Instant } from '../shapes';

const tag = 'execution';

/** What a tool is given; a bare text stands for `{input: text}`. */
const Arguments = z.union([JsonObject, z.string()]);
const ToolName = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .regex(/^[^\p{C}]+$/u, 'holds a control character');

const argumentNames = ['arguments', 'payload', 'parameters', 'input'] as const;
/** The names that clients have for the same thing. */
const given = {
  agent_id: z.uuid().nullish().describe('Unless X-Agent-ID names it'),
  arguments: Arguments.nullish().describe('What the tool is given: an object, or a text for {"input": text}'),
  payload: Arguments.nullish().describe('Another name for arguments'),
  parameters: Arguments.nullish().describe('Another name for arguments'),
  input: Arguments.nullish().describe('Another name for arguments'),
};
const oneOf = (body: Partial<Record<(typeof argumentNames)[number], unknown>>): boolean =>
  argumentNames.filter((name) => body[name] != null).length <= 1;
const once = { message: 'is given under one name: arguments, payload, parameters or input', path: ['arguments'] };

const Score = z.number().min(0).max(1);
const Stage = z.object({ stage: z.string(), ms: z.number(), outcome: z.string() });
const Decided = z.object({
  action: z.enum(['allow', 'monitor', 'redact', 'throttle', 'escalate', 'deny', 'kill', 'error']),
  risk: Score.describe('Composite risk'),
  risk_score: z.int().min(0).max(100).describe('Inherent risk of what was asked for'),
  confidence: Score,
  findings: z.array(z.string()),
  reasons: z.array(z.string()).describe('An older name for findings'),
  signals: z.record(z.string(), Score).describe('Components of the composite risk'),
  tool: z.string(),
  agent_id: z.uuid(),
  tenant_id: z.uuid(),
  request_id: z.string(),
  audit_id: z.uuid(),
  execution_id: z.uuid(),
  executed_at: Instant,
  result: z.unknown().describe('Null where the tool is run by whoever asked'),
});
const Meta = z.looseObject({ request_id: z.string(), stages: z.array(Stage), duration_ms: z.number() });
/** What a refusal says besides. */
const Refused = z.object({
  rule_id: z.string(),
  score: Score,
  approval_id: z.uuid().describe('Once it is approved: X-Aegis-Approval-ID of the same call'),
  change_id: z.int(),
  engaged_at: Instant.nullable(),
  engaged_by: z.string().nullable(),
  reason: z.string().nullable(),
  limit_type: z.string(),
  reset_at: Instant,
  deadline_seconds: z.number(),
});

/**
 * Carried out, or refused: both are answers, and both are in the log. Of a refusal `error` says which, and beside the four
 * stand findings, reason, policy_id, risk_score, explanation, security, governance and mitre, each where there is one.
 */
const Answer = z.looseObject({
  success: z.boolean(),
  data: Decided.extend(Refused.partial().shape),
  error: z.string().nullable(),
  meta: Meta,
});
export type ExecuteAnswer = z.input<typeof Answer>;

const executes = {
  tag,
  access: 'tools:call',
  output: Answer,
  whole: true,
  statuses: [403, 404, 409, 413, 422, 429, 502, 504],
  kept: { seconds: 60, says: ['X-Agent-ID', 'X-ACP-Tool'], apart: ['X-Aegis-Approval-ID'] },
  errors: ['Forbidden', 'Invalid'],
} as const;

export const execution = {
  execute: operation({
    ...executes,
    route: 'POST /execute',
    summary: 'Have a tool call of an agent decided on, and carried out when nothing speaks against it',
    body: z
      .object({
        tool_name: ToolName.nullish(),
        tool: ToolName.nullish().describe('Another name for tool_name'),
        ...given,
      })
      .refine(oneOf, once)
      .meta({ example: { tool_name: 'knowledge.search', arguments: { query: 'disk full' } } }),
  }),
  executeTool: operation({
    ...executes,
    route: 'POST /execute/:tool_name',
    summary: 'The same, with the tool in the path',
    params: z.object({ tool_name: ToolName }),
    body: z.object(given).refine(oneOf, once),
  }),
};

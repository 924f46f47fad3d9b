import { z } from 'zod';
import { operation } from '../../operation';
import { Instant, name, prose, whole, wholeOr } from '../shapes';

const tag = 'policy';
const Name = z.string().regex(/^[a-zA-Z0-9_]{1,64}$/, 'must be 1 to 64 letters, digits and _');
/** opa takes some milliseconds for a usual policy; this is far more than any is long. */
const Rego = z
  .string()
  .min(1)
  .max(256 * 1024);
const Version = z.int().min(1).max(2_147_483_647);
const Decision = z.enum(['allow', 'escalate', 'deny']);

const Uploaded = z.object({
  status: z.literal('saved'),
  name: Name,
  version: Version,
  reload_hint: z.string(),
  active: z.boolean(),
  digest: z.string().describe('sha256 of the module that opa made of it'),
  tests_passed: z.int(),
});

const PolicyVersion = z.object({
  id: z.uuid(),
  name: Name,
  version: Version,
  description: z.string().nullable(),
  active: z.boolean(),
  digest: z.string(),
  entrypoints: z.array(z.string()),
  tests_passed: z.int(),
  uploaded_by: z.string(),
  uploaded_at: Instant,
  rego: z.string().nullable().describe('Where one version was asked for'),
  tests: z.string().nullable(),
});

const TestCase = z.strictObject({
  tool_name: name(200),
  parameters: z.record(z.string(), z.unknown()).default({}),
  risk_score: z.number().min(0).max(1).default(0),
  expected: Decision,
});

export const Rule = z.strictObject({
  conditions: z
    .array(
      z.strictObject({
        field: z.enum(['risk_score', 'tool', 'inference_risk', 'behavior_risk', 'anomaly_score']),
        operator: z.enum(['gt', 'gte', 'lt', 'lte', 'eq', 'neq']),
        value: z.union([z.number(), z.string().max(200)]),
      }),
    )
    .max(50),
  action: z.enum(['allow', 'monitor', 'throttle', 'escalate', 'deny', 'kill']),
  description: z.string().max(2_000).optional(),
});

const Flip = z.object({
  event_id: z.uuid(),
  tool: z.string(),
  agent_id: z.uuid().nullable(),
  timestamp: Instant,
  risk_score: z.number(),
  old_decision: z.string(),
  new_decision: z.string(),
  reason: z.string().nullable(),
});

const Simulated = z.object({
  coverage: z
    .object({
      decisions: z.int().describe('In the time that was asked for'),
      looked_at: z.int().describe('The newest of them: of the others nothing is said'),
      stopped: z.enum(['calls', 'time']).nullable().describe('Why not at all of them: 10,000 calls, or twenty seconds'),
      replayed: z.int(),
      without_input: z.int().describe('From before what policies were told was recorded'),
      not_asked: z.int().describe('Ended before they came to the policies: nothing changes for them'),
    })
    .describe('How much of what happened the rest is about'),
  total_events: z.int(),
  would_allow: z.int(),
  would_deny: z.int(),
  would_escalate: z.int(),
  no_change: z.int(),
  diff: z.array(Flip).describe('Decisions that would be others, the newest first'),
  total: z.int(),
  would_have_blocked: z.array(Flip),
});

const rego = 'package example\n\nallow := true\n';

export const policy = {
  uploadPolicy: operation({
    route: 'POST /policy/upload',
    tag,
    summary:
      'Compile a policy with opa, run its tests, and keep it as the next version of its name; enforced from the next call on unless activate is false',
    access: 'policy:write',
    body: z
      .object({
        name: Name,
        rego: Rego,
        tests: Rego.optional().describe('Rego with rules test_…, in a package of its own or the same'),
        description: prose.optional(),
        activate: z.boolean().default(true),
      })
      .meta({ example: { name: 'example', rego, activate: false } }),
    output: Uploaded,
    status: 201,
    errors: ['Conflict'],
  }),
  activatePolicy: operation({
    route: 'POST /policy/activate',
    tag,
    summary: 'Enforce a version of a policy from the next call on, an earlier one as well; null: none of it',
    access: 'policy:write',
    body: z.object({ name: Name, version: Version.nullable() }).meta({ example: { name: 'example', version: null } }),
    output: z.object({
      name: Name,
      active_version: Version.nullable(),
      previous_version: Version.nullable(),
      policy_version: z.string().nullable().describe('Of all that are enforced here; null when no own policy is'),
    }),
    errors: ['NotFound', 'Conflict'],
  }),
  listPolicies: operation({
    route: 'GET /policy/versions',
    tag,
    summary: 'The versions of the own policies, newest first, and which are enforced; with name and version: its text',
    access: 'policy:read',
    query: z.object({
      name: Name.optional(),
      version: whole(1, 2_147_483_647).optional(),
      limit: wholeOr(50, 1, 200),
      offset: wholeOr(0, 0, 2_147_483_647),
    }),
    output: z.object({ items: z.array(PolicyVersion), total: z.int(), limit: z.int(), offset: z.int() }),
    errors: ['NotFound'],
  }),
  testPolicy: operation({
    route: 'POST /policy/test',
    tag,
    summary: 'Ask a policy that is not kept what it says of each case, and run its own tests',
    access: 'policy:write',
    body: z
      .object({ rego: Rego, tests: Rego.optional(), test_cases: z.array(TestCase).min(1).max(500) })
      .meta({ example: { rego, test_cases: [{ tool_name: 'logs.search', expected: 'allow' }] } }),
    output: z.object({
      results: z.array(
        z.object({
          input: TestCase,
          expected: Decision,
          actual: Decision,
          passed: z.boolean(),
          risk_adjustment: z.number(),
          reason: z.string(),
        }),
      ),
      passed_count: z.int(),
      total: z.int(),
      all_passed: z.boolean(),
      tests_passed: z.int().describe('Of the tests in Rego'),
    }),
  }),
  simulatePolicy: operation({
    route: 'POST /policy/simulate',
    tag,
    summary:
      'What would have been decided otherwise: rules, or a policy in Rego, over the calls that were recorded; nothing is changed',
    access: 'policy:write',
    body: z.union([
      z.object({
        policy: z.array(Rule).min(1).max(100),
        agent_id: z.uuid().optional(),
        time_range: z.enum(['1h', '6h', '24h', '7d']).default('24h'),
      }),
      z.object({
        policy_text: Rego,
        name: Name.optional().describe('Of the policy whose place it would take'),
        agent_id: z.uuid().optional(),
        window_hours: z
          .int()
          .min(1)
          .max(24 * 90)
          .default(24),
      }),
    ]),
    output: Simulated,
    errors: ['NotFound'],
  }),
};

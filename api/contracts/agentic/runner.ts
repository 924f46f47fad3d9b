import { z } from 'zod';
import { operation } from '../../operation';
import { byId, Instant, whole, wholeOr } from '../shapes';

const tag = 'Agents';
const text = z.string().nullable();

const LogQuery = z.object({
  lines: wholeOr(200, 1, 2000),
  offset: whole(0, Number.MAX_SAFE_INTEGER)
    .optional()
    .describe('In place of `lines`: what follows this byte of the log, as `next_offset` of an earlier answer said it'),
  follow: wholeOr(0, 0, 25).describe('With `offset`: how many seconds to wait for more, where there is none yet'),
});
const LogShape = z.object({
  task_id: z.int(),
  log_path: text.describe('On `host`; null: no command works on the task'),
  content: z
    .string()
    .describe('Whole lines, without credentials; of a task without a command, what the log of the run says'),
  host: text,
  source: z
    .enum(['file', 'tail', 'run'])
    .describe(
      'file: the log itself. tail: its end, as the worker on another machine wrote it down. run: what the run did',
    ),
  next_offset: z.number().nullable().describe('Null: only a log itself can be followed'),
  ended: z.boolean().describe('Nothing more comes'),
});

const Found = z.object({
  harness: z.string(),
  host: text,
  available: z.boolean(),
  program: z.string(),
  path: text,
  version: text,
  error: text,
  live: z
    .int()
    .describe('Processes of this harness that work for the caller now; of `remote`, tasks that somebody holds'),
  checked_at: Instant.nullable(),
  details: z.record(z.string(), z.unknown()),
});

export const runner = {
  runnerHealth: operation({
    route: 'GET /api/agents/runner-health',
    tag,
    summary:
      'What workers find of the commands on their machines, who asks for tasks from elsewhere, and what works now; null and unknown: nobody has said',
    access: 'agents:read',
    output: z.object({
      harness: z.string().describe('The usual one'),
      available_harnesses: z.array(z.object({ name: z.string() })),
      default_model: text,
      claude_path: text,
      codex_path: text,
      hermes_path: text,
      credentials_exists: z.boolean().nullable(),
      hermes_nous_auth_exists: z.boolean().nullable(),
      effective_anthropic_base_url: text,
      model_api: z.object({ status: z.enum(['ok', 'error', 'unknown']), error: z.string().optional() }),
      codex_auth_mode: text,
      codex_login_status: z.object({ status: z.string() }),
      permission_mode: text,
      allowed_tools: text,
      ps_path: text,
      work_base: text,
      queue_health: z.object({ queued_depth: z.int().nullable(), worker_count: z.int().nullable() }),
      harnesses: z.array(Found),
    }),
  }),
  listProcesses: operation({
    route: 'GET /api/agents/processes',
    tag,
    summary: 'Processes of the commands that work now, as the kernel has them',
    access: 'agents:read',
    output: z.object({
      ps_path: text.describe('Where this API looked; null: it has no /proc, all lines are from workers'),
      exit_code: z.int(),
      header: z.string(),
      processes: z.array(z.string()),
      active_processes: z.array(z.int()).describe('Their tasks'),
      tracked: z.array(
        z.object({
          task_id: z.int(),
          harness: z.string(),
          host: z.string(),
          pid: z.int().nullable(),
          pgid: z.int().nullable(),
          alive: z.int().describe('Processes of its group, and those that left it'),
          seen: z.enum(['here', 'by_worker']),
          rss_bytes: z.number(),
          launched_at: Instant,
          attended_at: Instant,
        }),
      ),
    }),
  }),
  getTaskLogs: operation({
    route: 'GET /api/agents/tasks/:task_id/logs',
    tag,
    summary: "The end of a task's log, or what follows a place in it, also while it is written",
    access: 'agents:read',
    params: byId('task_id'),
    query: LogQuery,
    output: LogShape,
    errors: ['NotFound'],
  }),
  getAgentLogs: operation({
    route: 'GET /api/agents/:agent_id/logs',
    tag,
    summary: "The same of the agent's task; of an agent that is no command, what it did, a line each",
    access: 'agents:read',
    params: byId('agent_id'),
    query: LogQuery,
    output: LogShape,
    errors: ['NotFound'],
  }),
};

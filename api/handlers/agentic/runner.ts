import type { AgentSettings } from '../../../config-agents';
import { countLive, liveProcesses } from '../../../db/agent-processes';
import { standingReports, type StandingReport } from '../../../db/harness-reports';
import { runByTask } from '../../../db/run-queries';
import { NotFound } from '../../../domain/errors';
import { usualHarness } from '../../../domain/harnesses';
import type { AgentProcess } from '../../../domain/agent-process';
import { filterOutput } from '../../../pipeline/output-filter';
import { commandNames, commandOf } from '../../../runner/commands';
import { Group, markOf } from '../../../runner/group';
import { canSeeProcesses, header, place, psLine } from '../../../runner/proc';
import type { runner } from '../../contracts/agentic/runner';
import type { Handlers } from '../../kernel';
import { healthOf } from '../spec/probes';
import { harnessesHere } from './harnesses-here';
import { logsOf } from './logs';
import { remoteFound } from './remote-health';
import { hidden, seenRun } from './seen';

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const truth = (value: unknown): boolean | null => (typeof value === 'boolean' ? value : null);

/** Of several machines, one that has the command speaks for all of them. */
const speaking = (reports: readonly StandingReport[], harness: string): StandingReport | null => {
  const its = reports.filter((r) => r.harness === harness);
  return its.find((r) => r.path !== null) ?? its[0] ?? null;
};

const apiOf = (value: unknown): { status: 'ok' | 'error' | 'unknown'; error?: string } => {
  const { status, error } = (value ?? {}) as { status?: unknown; error?: unknown };
  const known = status === 'ok' || status === 'error' ? status : 'unknown';
  return { status: known, ...(typeof error === 'string' && { error }) };
};

/** Its processes: looked at now where this API can see them, else as its worker saw them last. */
function shown(p: AgentProcess): { lines: string[]; rss: number; seen: 'here' | 'by_worker' } {
  if (!canSeeProcesses() || p.place !== place()) return { lines: p.lines, rss: p.rssBytes, seen: 'by_worker' };
  const leader = p.pid !== null && p.pidStarted !== null ? { pid: p.pid, started: p.pidStarted } : null;
  const members = new Group(leader, markOf(p.id)).members();
  return {
    lines: members.map((m) => String(filterOutput(psLine(m)).value)),
    rss: members.reduce((sum, m) => sum + m.rssBytes, 0),
    seen: 'here',
  };
}

/** No worker has said anything of it. */
const unheard = (s: AgentSettings, harness: string) => ({
  harness, host: null, program: commandOf(s, harness)?.program(s) ?? harness, path: null, version: null,
  error: 'no worker has looked for it', details: {}, checkedAt: null,
}); // prettier-ignore

export const runnerHandlers: Handlers<typeof runner> = {
  runnerHealth: async (_input, ctx) => {
    const { config, store } = ctx.kernel;
    const [reports, live, health, here, elsewhere] = await Promise.all([
      standingReports(store.pool),
      ctx.read((tx) => countLive(tx, ctx.principal.ticketId)),
      healthOf(ctx.kernel),
      ctx.read((tx) => harnessesHere(ctx.kernel, tx)),
      remoteFound(ctx),
    ]);
    const all = new Set([...commandNames(config.agents), ...reports.map((r) => r.harness)]);
    const names = [...all].filter((name) => !here.kept.has(name));
    const [claude, codex, hermes] = ['claude-code', 'codex', 'hermes'].map((name) =>
      here.kept.has(name) ? null : speaking(reports, name),
    );
    const queue = health.queues['processes'];
    return {
      harness: usualHarness,
      available_harnesses: here.available.map((name) => ({ name })),
      default_model: config.agents.defaultModel,
      claude_path: claude?.path ?? null,
      codex_path: codex?.path ?? null,
      hermes_path: hermes?.path ?? null,
      credentials_exists: truth(claude?.details['credentials_exists']),
      hermes_nous_auth_exists: truth(hermes?.details['nous_auth_exists']),
      effective_anthropic_base_url: text(claude?.details['base_url']),
      model_api: apiOf(claude?.details['model_api']),
      codex_auth_mode: text(codex?.details['auth_mode']),
      codex_login_status: { status: text((codex?.details['login_status'] as { status?: unknown } | undefined)?.status) ?? 'unknown' }, // prettier-ignore
      permission_mode: text(claude?.details['permission_mode']),
      allowed_tools: text(claude?.details['allowed_tools']),
      ps_path: canSeeProcesses() ? '/proc' : null,
      work_base: config.agents.workBase,
      queue_health: { queued_depth: queue?.pending ?? null, worker_count: queue?.workers ?? null },
      harnesses: [
        ...names.flatMap((name) => {
          const its = reports.filter((r) => r.harness === name);
          const said = its.length ? its : [unheard(config.agents, name)];
          return said.map(({ checkedAt, ...r }) => ({
            ...r,
            available: r.path !== null,
            live: live[name] ?? 0,
            checked_at: checkedAt,
          }));
        }),
        elsewhere,
      ],
    };
  },

  listProcesses: async (_input, ctx) => {
    const live = (await ctx.read((tx) => liveProcesses(tx, ctx.principal.ticketId))).map((p) => ({ p, ...shown(p) }));
    return {
      ps_path: canSeeProcesses() ? '/proc' : null,
      exit_code: 0,
      header,
      processes: live.flatMap(({ lines }) => lines),
      active_processes: live.filter(({ lines }) => lines.length > 0).map(({ p }) => p.taskNumber),
      tracked: live.map(({ p, lines, rss, seen }) => ({
        task_id: p.taskNumber, harness: p.harness, host: p.host, pid: p.pid, pgid: p.pgid, alive: lines.length, seen, rss_bytes: rss,
        launched_at: p.launchedAt, attended_at: p.attendedAt,
      })), // prettier-ignore
    };
  },

  getTaskLogs: async ({ params, query }, ctx) => {
    const run = await ctx.read((tx) => runByTask(tx, params.task_id));
    if (!run || hidden(ctx, run.ticketId)) throw new NotFound(`no task ${params.task_id}`);
    return logsOf(ctx, run, query);
  },

  getAgentLogs: async ({ params, query }, ctx) => {
    const run = await ctx.read((tx) => seenRun(ctx, tx, params.agent_id));
    return logsOf(ctx, run, query);
  },
};

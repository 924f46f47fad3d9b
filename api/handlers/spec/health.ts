import { cpus, freemem, loadavg, totalmem } from 'node:os';
import { killSwitchTurned, workOf } from '../../../db/totals';
import type { health } from '../../contracts/spec/health';
import { exposition, registry } from '../../metrics';
import type { Handlers, Kernel } from '../../kernel';
import type { Reply } from '../../operation';
import { version } from '../../version';
import { latency } from './latency';
import { diskUsage, healthOf, inTime, overTenants, type Health, type Part } from './probes';

const json = (body: object, status = 200): Reply => ({ type: 'application/json', body: JSON.stringify(body), status });
const now = (): string => new Date().toISOString();
const count = (parts: readonly Part[], status: Part['status']): number =>
  parts.filter((p) => p.status === status).length;

/** Without the database nothing can be said or done; without anything else, something. */
function levelOf({ parts }: Health) {
  const all = Object.values(parts);
  if (parts.postgres.status === 'outage') return 'major_outage' as const;
  if (count(all, 'outage')) return 'partial_outage' as const;
  return count(all, 'degraded') ? ('degraded_performance' as const) : ('operational' as const);
}

const words = { operational: 'healthy', degraded: 'degraded', outage: 'unhealthy' } as const;

/** Process metrics go on when the database does not: then the rows are missing from them. */
async function metrics(kernel: Kernel): Promise<Reply> {
  const text = await inTime(exposition(kernel)).catch((err: unknown) => {
    kernel.logger.warn({ err }, 'metrics without rows');
    return registry.metrics();
  });
  return { type: registry.contentType, body: text };
}

export const healthHandlers: Handlers<typeof health> = {
  health: () => {
    const alive = { status: 'ok', version };
    return Promise.resolve(json({ success: true, data: alive, error: null, meta: null, ...alive }));
  },
  opsAgentHealth: async (_input, { kernel }) => {
    const measured = await healthOf(kernel);
    return { status: levelOf(measured), version, checks: measured.parts };
  },
  ready: async (_input, { kernel }) => {
    const { parts } = await healthOf(kernel);
    const ready = parts.postgres.status !== 'outage' && parts.temporal.status !== 'outage';
    return json({ status: ready ? 'ready' : 'not_ready', checks: parts }, ready ? 200 : 503);
  },
  live: () => Promise.resolve({ status: 'alive' as const, uptime_seconds: process.uptime() }),

  orchestrationHealth: async (_input, { kernel }) => {
    const [{ parts, queues }, work] = await Promise.all([healthOf(kernel), overTenants(kernel, 'work', workOf)]);
    const sum = (of: 'activeAgents' | 'runningTasks' | 'completedToday') => work && work.reduce((n, w) => n + w[of], 0);
    const pending = Object.values(queues).map((q) => q.pending);
    const level = levelOf({ parts, queues });
    const body = {
      status: level === 'operational' ? 'healthy' : level === 'major_outage' ? 'unhealthy' : 'degraded',
      timestamp: now(),
      services: {
        database: { status: words[parts.postgres.status], response_time: parts.postgres.latency_ms },
        redis: { status: words[parts.counters.status], response_time: parts.counters.latency_ms },
        message_queue: {
          status: words[parts.temporal.status],
          pending_messages: pending.includes(null) ? null : pending.reduce<number>((n, p) => n + (p ?? 0), 0),
        },
      },
      metrics: {
        active_agents: sum('activeAgents'),
        running_tasks: sum('runningTasks'),
        completed_tasks_today: sum('completedToday'),
        system_load: (loadavg()[0] ?? 0) / Math.max(1, cpus().length),
        memory_usage: Math.round((1 - freemem() / totalmem()) * 1000) / 10,
        disk_usage: await diskUsage(kernel),
      },
    };
    return json(body, level === 'major_outage' ? 503 : 200);
  },

  systemHealth: async (_input, { kernel }) => {
    const measured = await healthOf(kernel);
    const parts = Object.values(measured.parts);
    const status = levelOf(measured);
    const up = status === 'operational' || status === 'degraded_performance';
    const data = {
      status,
      healthy: count(parts, 'operational'),
      total: parts.length,
      summary: {
        operational: count(parts, 'operational'),
        degraded: count(parts, 'degraded'),
        outage: count(parts, 'outage'),
      },
      latency: { scope: 'end_to_end', ...(await latency()) },
      services: measured.parts,
      queues: measured.queues,
      ts: now(),
    };
    return json({ success: up, data, error: up ? null : status, meta: null }, up ? 200 : 503);
  },

  status: async (_input, { kernel }) => {
    const [measured, switches] = await Promise.all([
      healthOf(kernel),
      overTenants(kernel, 'kill_switch', killSwitchTurned),
    ]);
    const parts = Object.values(measured.parts);
    const turned = switches?.filter((k) => k !== null) ?? null;
    return {
      status: levelOf(measured),
      components: Object.fromEntries(Object.entries(measured.parts).map(([name, part]) => [name, part.status])),
      uptime_seconds: Math.round(process.uptime()),
      latency: { scope: 'gateway_internal' as const, ...(await latency()) },
      kill_switch: {
        engaged: turned && turned.some((k) => k.engaged),
        last_toggled_at:
          turned
            ?.map((k) => k.at)
            .sort()
            .at(-1) ?? null,
      },
      services: {
        total: parts.length,
        healthy: count(parts, 'operational'),
        degraded: count(parts, 'degraded'),
        unreachable: count(parts, 'outage'),
      },
      queues: measured.queues,
      version,
      as_of: now(),
    };
  },

  metrics: (_input, { kernel }) => metrics(kernel),
  opsAgentMetrics: (_input, { kernel }) => metrics(kernel),
};

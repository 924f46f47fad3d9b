import { z } from 'zod';
import { operation, raw } from '../../operation';
import { Instant } from '../shapes';

const parts = ['operational', 'degraded', 'outage'] as const;
const levels = ['operational', 'degraded_performance', 'partial_outage', 'major_outage'] as const;
const Part = z.object({ status: z.enum(parts), latency_ms: z.number().nullable(), error: z.string().nullable() });
const Queues = z.record(
  z.string(),
  z.object({ workers: z.int().nullable(), pending: z.int().nullable() }).describe('Null: the workflow engine is away'),
);
const Latency = z.object({
  scope: z.literal('gateway_internal'),
  window_seconds: z.number(),
  p50_ms: z.number().nullable(),
  p95_ms: z.number().nullable(),
  p99_ms: z.number().nullable(),
  request_count: z.int(),
  computed_at: Instant,
});
const Alive = z.object({ status: z.literal('ok'), version: z.string() });
const healthy = z.enum(['healthy', 'degraded', 'unhealthy']);
const json = (schema: z.ZodType, statuses: readonly number[] = []) => raw('application/json', schema, statuses);

export const health = {
  health: operation({
    route: 'GET /health',
    tag: 'Health',
    summary: 'The process answers: status and version, in the shape of both doors that have this path',
    access: 'public',
    output: json(Alive.extend({ success: z.literal(true), data: Alive, error: z.null(), meta: z.null() })),
  }),
  opsAgentHealth: operation({
    route: 'GET /api/v1/health',
    tag: 'Health and Monitoring',
    summary: 'What this server leans on, and its version',
    access: 'public',
    output: z.object({ status: z.enum(levels), version: z.string(), checks: z.record(z.string(), Part) }),
  }),
  ready: operation({
    route: 'GET /api/v1/health/ready',
    tag: 'Health and Monitoring',
    summary: 'Whether requests can be served: database and workflow engine answer',
    access: 'public',
    output: json(z.object({ status: z.enum(['ready', 'not_ready']), checks: z.record(z.string(), Part) }), [503]),
  }),
  live: operation({
    route: 'GET /api/v1/health/live',
    tag: 'Health and Monitoring',
    summary: 'The process answers',
    access: 'public',
    output: z.object({ status: z.literal('alive'), uptime_seconds: z.number() }),
  }),
  orchestrationHealth: operation({
    route: 'GET /v1/health',
    tag: 'System Monitoring',
    summary:
      'System health; 503 where nothing can be done. redis stands for the shared counters, which are kept in the database',
    access: 'public',
    output: json(
      z.object({
        status: healthy,
        timestamp: Instant,
        services: z.object({
          database: z.object({ status: healthy, response_time: z.number().nullable() }),
          redis: z.object({ status: healthy, response_time: z.number().nullable() }),
          message_queue: z.object({ status: healthy, pending_messages: z.int().nullable() }),
        }),
        metrics: z.object({
          active_agents: z.int().nullable(),
          running_tasks: z.int().nullable(),
          completed_tasks_today: z.int().nullable(),
          system_load: z.number(),
          memory_usage: z.number(),
          disk_usage: z.number(),
        }),
      }),
      [503],
    ),
  }),
  systemHealth: operation({
    route: 'GET /system/health',
    tag: 'ops',
    summary: 'Everything this server leans on, measured now',
    access: 'public',
    output: json(
      z.object({
        success: z.boolean(),
        data: z.object({
          status: z.enum(levels),
          healthy: z.int(),
          total: z.int(),
          summary: z.record(z.enum(parts), z.int()),
          latency: Latency.extend({ scope: z.literal('end_to_end') }),
          services: z.record(z.string(), Part),
          queues: Queues,
          ts: Instant,
        }),
        error: z.string().nullable(),
        meta: z.null(),
      }),
      [503],
    ),
  }),
  status: operation({
    route: 'GET /status',
    tag: 'ops',
    summary: 'Public status',
    access: 'public',
    output: z.object({
      status: z.enum(levels),
      components: z.record(z.string(), z.enum(parts)),
      uptime_seconds: z.number(),
      latency: Latency,
      kill_switch: z.object({
        engaged: z.boolean().nullable().describe('Whether any tenant has engaged one; null: the database is away'),
        last_toggled_at: Instant.nullable(),
      }),
      services: z.object({ total: z.int(), healthy: z.int(), degraded: z.int(), unreachable: z.int() }),
      queues: Queues,
      version: z.string(),
      as_of: Instant,
    }),
  }),
  metrics: operation({
    route: 'GET /metrics',
    tag: 'untagged',
    summary: 'Metrics in the Prometheus text form',
    access: 'public',
    output: raw('text/plain'),
  }),
  opsAgentMetrics: operation({
    route: 'GET /api/v1/metrics',
    tag: 'Health and Monitoring',
    summary: 'The same metrics, for holders of the metrics token',
    access: 'metrics',
    output: raw('text/plain'),
  }),
};

import { z } from 'zod';
import { runTraces, type KeptKind } from './domain/agent-records';

const days = z.coerce.number().int().positive().max(36_500);

/** Days for which is kept what agents report (docs/reports.md), what is left of runs, and what looks at tools came to. */
export const retentionEnvironment = {
  RETENTION_METRICS_DAYS: days.default(30),
  RETENTION_TOOL_LOG_DAYS: days.default(30),
  RETENTION_REPORT_RUNS_DAYS: days.default(365),
  RETENTION_REPORTED_RUNS_DAYS: days.default(365),
  RETENTION_TOOL_CHECKS_DAYS: days.default(7),
  /** After a run's end: rows of its commands, its models' turns, its offers elsewhere and its keys, its folder and its log. */
  RETENTION_RUN_TRACES_DAYS: days.default(90),
};

export function retentionOf(e: z.output<z.ZodObject<typeof retentionEnvironment>>): Record<KeptKind, number> {
  const traces = Object.fromEntries(runTraces.map((kind) => [kind, e.RETENTION_RUN_TRACES_DAYS])) as Record<
    (typeof runTraces)[number],
    number
  >;
  return {
    ...traces,
    metrics: e.RETENTION_METRICS_DAYS,
    tool_log: e.RETENTION_TOOL_LOG_DAYS,
    report_runs: e.RETENTION_REPORT_RUNS_DAYS,
    reported_runs: e.RETENTION_REPORTED_RUNS_DAYS,
    tool_checks: e.RETENTION_TOOL_CHECKS_DAYS,
  };
}

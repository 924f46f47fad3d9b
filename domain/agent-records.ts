/** What agents measured, called and delivered: three kinds of rows that are written once, listed, and end by age. */
export const recordKinds = {
  metrics: {
    table: 'agent_metrics',
    /** When it was; lists are in its order, and age is counted from it. */
    time: 'recorded_at',
    /** Beside `id`, `agent_name` and the time: name and type in Postgres. */
    columns: { metric: 'text', value: 'float8' },
    filters: ['metric'],
  },
  tool_log: {
    table: 'tool_calls',
    time: 'created_at',
    columns: { run_id: 'text', tool: 'text', status: 'text', input: 'json', output: 'json', duration_ms: 'int8' },
    filters: ['tool', 'run_id'],
  },
  report_runs: {
    table: 'report_runs',
    time: 'created_at',
    columns: { report_type: 'text', status: 'text', period: 'text', summary: 'text' },
    filters: ['report_type'],
  },
} as const satisfies Record<
  string,
  { table: string; time: string; columns: Record<string, string>; filters: readonly string[] }
>;
export type RecordKind = keyof typeof recordKinds;
export const recordKindNames = Object.keys(recordKinds) as RecordKind[];

/**
 * What is left of a run when it is over: how its commands, its models, its offers to agents elsewhere, their calls and its keys
 * were. Its age is the run's; of those who ask for work it is when they were last heard of.
 */
export const runTraces = [
  'agent_processes', 'run_checkpoints', 'model_turns', 'remote_tasks', 'run_calls', 'run_keys', 'remote_workers',
] as const; // prettier-ignore
export type RunTrace = (typeof runTraces)[number];

/** What is kept for so many days, and then goes. */
export const keptKinds = [...recordKindNames, 'reported_runs', 'tool_checks', ...runTraces] as const;
export type KeptKind = (typeof keptKinds)[number];

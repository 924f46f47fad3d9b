/** How a run stands in the list of runs; all but the first are final. */
export const outcomes = ['started', 'completed', 'failed', 'skipped'] as const;
export type Outcome = (typeof outcomes)[number];
export const finalOutcomes = ['completed', 'failed', 'skipped'] as const satisfies readonly Outcome[];

/** A run that was carried out elsewhere, as it was reported. */
export interface ReportedRun {
  id: string;
  tenantId: string;
  /** The reporter's own id of it, unique in the tenant. */
  eveId: string | null;
  agentName: string;
  taskType: string | null;
  status: Outcome;
  model: string | null;
  durationMs: number | null;
  outputSummary: string | null;
  errorMessage: string | null;
  startedAt: string | null;
  /** When it ended; exactly those that have ended have it. */
  completedAt: string | null;
  listedAt: string;
  version: number;
}

/** What a report says of a run; null where it says nothing. */
export type Report = Pick<
  ReportedRun,
  'taskType' | 'model' | 'durationMs' | 'outputSummary' | 'errorMessage' | 'startedAt' | 'completedAt'
> & { status: Outcome | null };

const isFinal = (status: Outcome | null): boolean => status !== null && status !== 'started';

/** The time from start to end, where the reporter did not say how long it took. */
function tookMs(startedAt: string | null, completedAt: string | null): number | null {
  if (startedAt === null || completedAt === null) return null;
  return Math.max(0, Date.parse(completedAt) - Date.parse(startedAt));
}

/** A run as its first report tells it, at the time `now`. Only a report that it started says with its arrival when. */
export function firstReport(
  run: Pick<ReportedRun, 'id' | 'tenantId' | 'eveId' | 'agentName'>,
  r: Report,
  now: string,
): ReportedRun {
  const status = r.status ?? 'started';
  const startedAt = r.startedAt ?? (status === 'started' ? now : null);
  const completedAt = isFinal(status) ? (r.completedAt ?? now) : null;
  return {
    ...run,
    ...r,
    status,
    startedAt,
    completedAt,
    durationMs: r.durationMs ?? tookMs(startedAt, completedAt),
    listedAt: startedAt ?? completedAt ?? now,
    version: 1,
  };
}

/**
 * What a further report changes, whichever came first: while the run goes on, the later word counts; one that says how it
 * ended comes after all that do not; then what stands stays, and reports fill in what is missing. A report without a status
 * corrects what it names, at any time. The same object when nothing changes.
 */
export function mergeReport(run: ReportedRun, r: Report, now: string): ReportedRun {
  const ended = isFinal(run.status);
  const later = r.status === null || !ended;
  const pick = <T>(stands: T | null, said: T | null): T | null => (later ? (said ?? stands) : (stands ?? said));
  const status = !ended && isFinal(r.status) ? (r.status ?? run.status) : run.status;
  const startedAt = pick(run.startedAt, r.startedAt);
  const completedAt = run.completedAt ?? (isFinal(status) ? (r.completedAt ?? now) : null);
  const next: ReportedRun = {
    ...run,
    status,
    taskType: pick(run.taskType, r.taskType),
    model: pick(run.model, r.model),
    outputSummary: pick(run.outputSummary, r.outputSummary),
    errorMessage: pick(run.errorMessage, r.errorMessage),
    startedAt,
    completedAt,
    durationMs: pick(run.durationMs, r.durationMs) ?? tookMs(startedAt, completedAt),
  };
  const same = (Object.keys(next) as (keyof ReportedRun)[]).every((key) => next[key] === run[key]);
  return same ? run : { ...next, version: run.version + 1 };
}

/** Says that it ended otherwise than it did: what stands stays. */
export const contradicts = (run: ReportedRun, r: Report): boolean =>
  isFinal(run.status) && isFinal(r.status) && r.status !== run.status;

import { cut, type EvidenceTask } from '../domain/evidence';
import { logFindings, reportsOf } from './findings';
import type { Read } from './tx';

/** A step that took as long as this is worth a word. */
const slowMs = 1_000;
const logChars = 1_200;

interface RunRow {
  id: string;
  number: number;
  task_number: number;
  task_type: string;
  harness: string;
  status: string;
  result: string | null;
  error: string | null;
  created_at: Date;
  finished_at: Date | null;
  total: number;
}

interface StepRow {
  owner_id: string;
  step: number;
  tool: string;
  decision: string;
  why: string | null;
  error: string | null;
  reasons: { code: string; message: string }[];
  duration_ms: number;
}

const carriedOut = (s: StepRow): boolean => s.decision === 'allow' || s.decision === 'monitor';
// An escalated call is a question to people, and their answer stands at its gate.
const refused = (s: StepRow): boolean => !carriedOut(s) && s.decision !== 'escalate';
const reasonOf = (s: StepRow): string => s.reasons.map((r) => r.message || r.code).join('; ') || s.error || s.decision;

const logTail = (steps: readonly StepRow[], lines: number): string => {
  if (lines === 0) return '';
  const told = steps
    .slice(-lines)
    .map((s) => `${s.step} ${s.tool} ${s.decision} ${Math.round(s.duration_ms)}ms ${s.why ?? ''}`.trim());
  return told.join('\n').slice(-logChars).toWellFormed();
};

const stepsOf = (steps: readonly StepRow[]): EvidenceTask['steps'] => ({
  total: steps.length,
  tools: [...new Set(steps.filter(carriedOut).map((s) => s.tool))],
  refused: steps
    .filter(refused)
    .slice(0, 12)
    .map((s) => ({ step: s.step, tool: s.tool, decision: s.decision, reason: cut(reasonOf(s), 260) })),
  slow: steps
    .filter((s) => s.duration_ms >= slowMs)
    .slice(0, 8)
    .map((s) => ({ step: s.step, tool: s.tool, seconds: Math.round(s.duration_ms / 100) / 10 })),
});

const most = <T extends { events: number }>(items: readonly T[], count: number): T[] =>
  [...items].sort((a, b) => b.events - a.events).slice(0, count);

/** The newest agents of a ticket, oldest first, with what the ledger of each says. */
export async function evidenceTasks(
  tx: Read,
  ticketId: string,
  limits: { tasks: number; logLines: number },
): Promise<{ tasks: EvidenceTask[]; total: number }> {
  const { rows: runs } = await tx.query<RunRow & Record<string, unknown>>(
    `select id, number, task_number, task_type, harness, status, result, error, created_at, finished_at, count(*) over () as total
     from runs where ticket_id = $1 order by number desc limit $2`,
    [ticketId, limits.tasks],
  );
  const ids = runs.map((r) => r.id);
  const { rows: steps } = await tx.query<StepRow & Record<string, unknown>>(
    `select owner_id, step, tool, decision, why, error, reasons, duration_ms
     from executions where owner_id = any($1) order by owner_id, step`,
    [ids],
  );
  const found = await logFindings(tx, ids);
  const reports = await reportsOf(tx, ids);
  const tasks = runs.reverse().map((run): EvidenceTask => {
    const own = steps.filter((s) => s.owner_id === run.id);
    const mined = found.filter((f) => f.ownerId === run.id);
    return {
      id: run.task_number,
      agent_id: run.number,
      task_type: run.task_type,
      harness: run.harness,
      status: run.status,
      output: run.result === null ? null : cut(run.result, 500),
      error_message: run.error === null ? null : cut(run.error, 260),
      created_at: run.created_at.toISOString(),
      completed_at: run.finished_at?.toISOString() ?? null,
      duration_seconds: run.finished_at
        ? Math.round((run.finished_at.getTime() - run.created_at.getTime()) / 100) / 10
        : null,
      log_tail: logTail(own, limits.logLines),
      steps: stepsOf(own),
      signals: most(
        mined.flatMap((f) => f.signals.map((s) => ({ ...s, step: f.step }))),
        10,
      ),
      templates: most(
        mined.flatMap((f) => f.templates.map((t) => ({ ...t, text: cut(t.text, 200), step: f.step }))),
        8,
      ),
      report: reports.get(run.id) ?? null,
    };
  });
  return { tasks, total: runs[0]?.total ?? 0 };
}

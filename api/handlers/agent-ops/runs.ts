import { fleetRun, listFleetRuns, type FleetRun } from '../../../db/fleet-runs';
import { agentAndTime, lockReported, reportedRuns } from '../../../db/reported-runs';
import type { Write } from '../../../db/tx';
import { Conflict, NotFound } from '../../../domain/errors';
import {
  contradicts, firstReport, mergeReport, type Outcome, type Report, type ReportedRun,
} from '../../../domain/reported-run'; // prettier-ignore
import { pageOf } from '../../contracts/agent-ops/door';
import type { runs } from '../../contracts/agent-ops/runs';
import type { Ctx, Handlers } from '../../kernel';

export const fleetRunView = (r: FleetRun) => ({
  id: r.id,
  eve_id: r.eveId,
  agent_name: r.agentName,
  task_type: r.taskType,
  status: r.status,
  model: r.model,
  duration_ms: r.durationMs,
  started_at: r.startedAt,
  completed_at: r.completedAt,
  output_summary: r.outputSummary,
  error_message: r.errorMessage,
  origin: r.own ? ('workflow' as const) : ('reported' as const),
});

type Told = Partial<
  Record<'task_type' | 'model' | 'output_summary' | 'error_message' | 'started_at' | 'completed_at', string | null>
> & { status?: Outcome | undefined; duration_ms?: number | null | undefined };
const reportOf = (b: { [K in keyof Told]: Told[K] | undefined }): Report => ({
  status: b.status ?? null,
  taskType: b.task_type ?? null,
  model: b.model ?? null,
  durationMs: b.duration_ms ?? null,
  outputSummary: b.output_summary ?? null,
  errorMessage: b.error_message ?? null,
  startedAt: b.started_at ?? null,
  completedAt: b.completed_at ?? null,
});

/** The entry of what a report did to a run. */
function say(ctx: Ctx, tx: Write, run: ReportedRun, agentId: string | null, moved: boolean): void {
  tx.log({
    kind: `reported_run.${moved ? run.status : 'updated'}`,
    actor: ctx.actor,
    subject: { kind: 'reported_run', id: run.id },
    version: run.version,
    agentId,
    decision: moved && run.status === 'failed' ? 'error' : 'allow',
    reason: run.errorMessage,
    body: { eve_id: run.eveId, agent_name: run.agentName, status: run.status },
  });
}

/** What a report changes of a run whose row this transaction holds. */
async function carryOn(ctx: Ctx, tx: Write, run: ReportedRun, report: Report): Promise<void> {
  const { agentId, now } = await agentAndTime(tx, run.agentName);
  const next = mergeReport(run, report, now);
  if (next !== run) {
    if (!(await reportedRuns.move(tx, next))) throw new Error(`reported run ${run.id} moved under its lock`);
    say(ctx, tx, next, agentId, next.status !== run.status);
  }
  if (!contradicts(run, report)) return;
  // Nobody is refused, as the first word stands whoever comes second; but it is written down, once.
  const transition = `contradicted:${report.status}`;
  const { rows } = await tx.query('select from log where subject_id = $1 and transition = $2', [run.id, transition]);
  if (rows.length) return;
  tx.log({
    kind: 'reported_run.contradicted',
    actor: ctx.actor,
    subject: { kind: 'reported_run', id: run.id },
    transition,
    agentId,
    decision: 'deny',
    reason: `it is ${run.status} already`,
    body: { eve_id: run.eveId, agent_name: run.agentName, status: run.status, reported: report.status },
  });
}

async function shown(tx: Write, id: string) {
  const run = await fleetRun(tx, id);
  if (!run) throw new Error(`run ${id} is not there`);
  return fleetRunView(run);
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export const runHandlers: Handlers<typeof runs> = {
  listFleetRuns: async ({ query: q }, ctx) => {
    const filter = {
      agentName: q.agent_name ?? null,
      status: q.status ?? null,
      since: q.since ?? null,
      after: q.cursor ?? null,
    };
    const rows = await ctx.read((tx) => listFleetRuns(tx, filter, q.limit + 1));
    return pageOf(rows, q.limit, fleetRunView);
  },

  reportRun: ({ body }, ctx) =>
    ctx.write(async (tx) => {
      const report = reportOf(body);
      const eveId = body.eve_id ?? null;
      const { agentId, now } = await agentAndTime(tx, body.agent_name);
      const first = firstReport(
        { id: ctx.newId('reported run'), tenantId: ctx.tenantId, eveId, agentName: body.agent_name },
        report,
        now,
      );
      const made = await reportedRuns.insert(tx, first);
      if (made) {
        say(ctx, tx, made, agentId, true);
        return shown(tx, made.id);
      }
      const stands = await (eveId === null ? lockReported.byId(tx, first.id) : lockReported.byEveId(tx, eveId));
      if (!stands) throw new Conflict('a repeat under this Idempotency-Key names another eve_id', { field: 'eve_id' });
      if (stands.agentName !== body.agent_name)
        throw new Conflict(`agent_name: the run ${eveId ?? stands.id} is of ${stands.agentName}`, {
          field: 'agent_name',
        });
      await carryOn(ctx, tx, stands, report);
      if (eveId !== null) ctx.answerWith(200);
      return shown(tx, stands.id);
    }),

  updateReportedRun: ({ params: { id }, body }, ctx) =>
    ctx.write(async (tx) => {
      const run = (uuid.test(id) ? await lockReported.byId(tx, id) : null) ?? (await lockReported.byEveId(tx, id));
      if (!run) {
        if (uuid.test(id) && (await fleetRun(tx, id)))
          throw new Conflict('this run is of a workflow here, which alone says how it goes', { field: 'id' });
        throw new NotFound(`no reported run ${id}`);
      }
      await carryOn(ctx, tx, run, reportOf(body));
      return shown(tx, run.id);
    }),
};

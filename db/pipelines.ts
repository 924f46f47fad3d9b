import { PipelineSchema } from '../domain/pipeline.schema';
import type { Pipeline } from '../domain/pipeline';
import { entity } from './entity';
import type { Read } from './tx';

export const pipelines = entity('pipelines', PipelineSchema, ['number'], ['steps']);

/** Held until the transaction ends. */
export async function heldPipeline(tx: Read, id: string): Promise<Pipeline | null> {
  const [found] = await pipelines.list(tx, 'where id = $1 for no key update', [id]);
  return found ?? null;
}

/** A pipeline, with the integers by which the doors know what it belongs to. */
export interface PipelineView {
  pipeline: Pipeline;
  ticket: number | null;
  reporter: { agent: number; task: number } | null;
  /** Of its steps' runs, by id. */
  agents: Map<string, number>;
}

/** The newest runs of a blueprint; of one ticket, where `only` names it. */
export async function runsOfBlueprint(
  tx: Read,
  blueprintId: string,
  only: string | null,
  limit: number,
): Promise<PipelineView[]> {
  const found = await pipelines.list(
    tx,
    'where blueprint_id = $1 and ($2::uuid is null or ticket_id = $2) order by number desc limit $3',
    [blueprintId, only, limit],
  );
  const runIds = found.flatMap((p) => [...p.steps.flatMap((s) => s.runIds), ...(p.runId ? [p.runId] : [])]);
  const { rows: runs } = await tx.query<{ id: string; number: number; task: number }>(
    'select id, number, task_number as task from runs where id = any($1)',
    [runIds],
  );
  const { rows: tickets } = await tx.query<{ id: string; number: number }>(
    'select id, number from tickets where id = any($1)',
    [found.flatMap((p) => p.ticketId ?? [])],
  );
  const agents = new Map(runs.map((r) => [r.id, r.number]));
  return found.map((pipeline) => {
    const by = runs.find((r) => r.id === pipeline.runId);
    return {
      pipeline,
      ticket: tickets.find((t) => t.id === pipeline.ticketId)?.number ?? null,
      reporter: by ? { agent: by.number, task: by.task } : null,
      agents,
    };
  });
}

export interface RunCounts {
  run_count: number;
  completed_run_count: number;
  failed_run_count: number;
  latest_run_at: string | null;
}
const noRuns: RunCounts = { run_count: 0, completed_run_count: 0, failed_run_count: 0, latest_run_at: null };

/** How the runs of each of these blueprints went. */
export async function runCounts(tx: Read, blueprintIds: readonly string[]): Promise<(id: string) => RunCounts> {
  const { rows } = await tx.query<{ id: string; n: number; completed: number; failed: number; latest: Date }>(
    `select blueprint_id as id, count(*)::int as n, count(*) filter (where status = 'completed')::int as completed,
       count(*) filter (where status = 'failed')::int as failed, max(created_at) as latest
     from pipelines where blueprint_id = any($1) group by blueprint_id`,
    [blueprintIds],
  );
  const known = new Map(
    rows.map((r) => [
      r.id,
      {
        run_count: r.n,
        completed_run_count: r.completed,
        failed_run_count: r.failed,
        latest_run_at: r.latest.toISOString(),
      },
    ]),
  );
  return (id) => known.get(id) ?? noRuns;
}

import { z } from 'zod';
import { outcomes, type Outcome } from '../domain/reported-run';
import { ReportedRunSchema } from '../domain/reported-run.schema';
import { micros } from './instant';
import { conditions } from './paging';
import { prepared } from './prepared';
import type { Read } from './tx';

const Row = ReportedRunSchema.omit({ tenantId: true, listedAt: true, version: true }).extend({
  own: z.boolean(),
  /** Its place in the list, to the microsecond. */
  at: z.string(),
});
/** A run of a workflow here, or one that was reported. */
export type FleetRun = z.output<typeof Row>;

/** Null matches everything. `after`: the last row of the page before. */
export interface FleetFilter {
  agentName: string | null;
  status: Outcome | null;
  since: string | null;
  after: { at: string; id: string } | null;
}

/** The two kinds, and what they call the same. */
const kinds = [
  { own: true, table: 'runs', status: 'outcome', at: 'created_at', agent: 'agent_id' },
  { own: false, table: 'reported_runs', status: 'status', at: 'listed_at', agent: 'agent_name' },
] as const;

/** The end of a run is as much of what it gave as a list shows. */
const shown = 2_000;
const columns = `f.id, x.eve_id as "eveId", coalesce(x.agent_name, a.name) as "agentName", coalesce(x.task_type, r.task_type) as "taskType",
  coalesce(x.status, r.outcome) as status, coalesce(x.model, r.model) as model,
  coalesce(x.duration_ms, milliseconds(r.started_at, r.finished_at)) as "durationMs",
  coalesce(x.started_at, r.started_at, x.completed_at - x.duration_ms * interval '1 millisecond') as "startedAt",
  coalesce(x.completed_at, r.finished_at) as "completedAt", left(coalesce(x.output_summary, r.result), ${shown}) as "outputSummary",
  left(coalesce(x.error_message, r.error), ${shown}) as "errorMessage", f.own, ${micros('f.at')} as at`;

const select = (found: string): string =>
  `select ${columns} from (${found}) f left join runs r on f.own and r.id = f.id left join agents a on a.id = r.agent_id
     left join reported_runs x on not f.own and x.id = f.id order by f.at desc, f.id desc`;

/**
 * Newest first, `limit` of them at most. Of each kind and status an index has that order (000020): each gives a page at
 * most, and the page is the newest of those.
 */
export async function listFleetRuns(tx: Read, f: FleetFilter, limit: number): Promise<FleetRun[]> {
  const owners = f.agentName === null ? [null] : await agentsOf(tx, f.agentName);
  const params: unknown[] = [];
  const most = 2 ** Math.ceil(Math.log2(Math.max(16, limit)));
  const parts = kinds
    .flatMap((kind) => (kind.own ? owners : [f.agentName]).map((agent) => ({ ...kind, whose: agent })))
    .flatMap((kind) =>
      (f.status === null ? outcomes : [f.status]).map((status) => {
        const one = conditions(params);
        one.add((p) => `${kind.agent} = ${p}`, kind.whose);
        one.add((p) => `${kind.at} >= ${p}::timestamptz`, f.since);
        const { after } = f;
        if (after) one.add((p) => `(${kind.at}, id) < (${p}::timestamptz, $${params.push(after.id)}::uuid)`, after.at);
        return `(select ${kind.own} as own, id, ${kind.at} as at from ${kind.table}
          where ${kind.status} = '${status}' and ${one.text()} order by ${kind.at} desc, id desc limit ${most})`;
      }),
    );
  const found = `select own, id, at from (${parts.join(' union all ')}) parts order by at desc, id desc limit $${params.push(limit)}`;
  const { rows } = await prepared(tx, select(found), params);
  return rows.map((r) => Row.parse(r));
}

/** One of them, by its uuid. */
export async function fleetRun(tx: Read, id: string): Promise<FleetRun | null> {
  const { rows } = await prepared(
    tx,
    select(
      `select true as own, id, created_at as at from runs where id = $1
       union all select false, id, listed_at from reported_runs where id = $1`,
    ),
    [id],
  );
  return rows[0] ? Row.parse(rows[0]) : null;
}

/** Whoever goes by that name, or went by it and was let go of. */
async function agentsOf(tx: Read, name: string): Promise<string[]> {
  const { rows } = await prepared<{ id: string }>(
    tx,
    'select id from agents where name = $1 order by created_at desc limit 8',
    [name],
  );
  return rows.map((r) => r.id);
}

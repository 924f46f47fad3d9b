import type { Actor } from '../domain/principal';
import type { Run } from '../domain/run';
import { writeNote } from './notes';
import type { Read, Write } from './tx';

export interface Checkpoint {
  step: string;
  status: string;
  output: string | null;
  at: string;
}

/** How far runs are, the last of each in order: their governed steps, and what their commands said themselves. */
export async function checkpointsOf(
  tx: Read,
  runIds: readonly string[],
  each: number,
): Promise<Map<string, Checkpoint[]>> {
  const { rows } = await tx.query<{
    id: string;
    step: string;
    status: string;
    output: string | null;
    at: Date;
  }>(
    `select o.id, c.step, c.status, c.output, c.at from unnest($1::uuid[]) as o(id) cross join lateral (
       (select tool as step, decision as status, why as output, started_at as at, step as place from executions
         where owner_id = o.id order by executions.step desc limit $2)
       union all
       (select step, status, output, at, number from run_checkpoints where run_id = o.id order by at desc, number desc limit $2)
       order by at desc, place desc limit $2) c
     order by o.id, c.at, c.place`,
    [runIds, each],
  );
  const found = new Map<string, Checkpoint[]>(runIds.map((id) => [id, []]));
  for (const { id, at, ...said } of rows) found.get(id)?.push({ ...said, at: at.toISOString() });
  return found;
}

/**
 * What an agent says of how far it is. A pair of step and status that it said before is brought up to date; of those, a run
 * has no more than `most`.
 */
export async function recordCheckpoint(
  tx: Read,
  runId: string,
  c: { step: string; status: string; output: string | null; progress: number },
  most: number,
): Promise<'new' | 'again' | 'too many'> {
  const { rows } = await tx.query<{ is: 'new' | 'again' | 'too many' }>(
    `with again as (
       update run_checkpoints set output = $5, progress = $6, at = now() where run_id = $1 and step = $3 and status = $4 returning 1
     ), there as (
       select count(*) < $7::int as room from run_checkpoints where run_id = $1
     ), added as (
       insert into run_checkpoints (run_id, tenant_id, step, status, output, progress)
       select $1::uuid, $2::uuid, $3::text, $4::text, $5::text, $6::int from there where room and not exists (select from again)
       on conflict do nothing returning 1
     )
     select case when exists (select from added) then 'new' when room or exists (select from again) then 'again' else 'too many' end as is
     from there`,
    [runId, tx.tenantId, c.step, c.status, c.output, c.progress, most],
  );
  if (!rows[0]) throw new Error('a query without a condition had no row');
  return rows[0].is;
}

/** As many different checkpoints a run has; an agent that writes more counts something up in them. */
const mostCheckpoints = 500;

/** How far an agent says it is: in its row; each new step and status in the log, and in a note on its ticket. */
export async function sayCheckpoint(
  tx: Write,
  run: Run,
  by: Actor,
  c: { step: string; status: string; output: string | null; progress: number },
): Promise<void> {
  const many = `the ${mostCheckpoints} different checkpoints that a run may have are written down: no more of them are`;
  const found = await recordCheckpoint(tx, run.id, c, mostCheckpoints);
  if (found === 'again') return;
  const is = found === 'new' ? `${c.step}:${c.status}` : 'too many';
  const body = `Checkpoint ${c.step}: ${c.status} (${c.progress} %)${c.output === null ? '' : `\n\n${c.output}`}`;
  const note = await writeNote(tx, {
    ticketId: run.ticketId, key: `checkpoint:${run.id}:${is}`, source: 'agent-checkpoint', author: by.name, actor: by,
    body: found === 'new' ? body : `Checkpoints: ${many}.`,
  }); // prettier-ignore
  if (!note) return; // said once
  tx.log({
    kind: 'run.checkpoint', actor: by, subject: { kind: 'run', id: run.id }, transition: `checkpoint:${is}`, ticketId: run.ticketId,
    runId: run.id, agentId: run.agentId, reason: found === 'new' ? c.output : many,
    body: { agent_id: run.number, task_id: run.taskNumber, step: c.step, status: c.status, progress_pct: c.progress },
  }); // prettier-ignore
}

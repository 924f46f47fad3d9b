import type { Pool } from 'pg';
import { possible, written } from '../history/check';
import { outcomeOf, type Operation, type Quorum, type Status } from '../history/model';
import type { Raced } from './race';

interface Row {
  id: string;
  number: number;
  status: Status;
  version: number;
  requester: string;
  /** Who set the agent to work that asks. */
  behind: string | null;
  decider: string | null;
  decided: boolean;
  completer: string | null;
  /** Of the log, in order: kind and version of every move. */
  moves: { kind: string; version: number }[];
  notes: number;
  /** Those that are kept, by the name of who voted: `+ann`, `-bob`. */
  votes: string[];
  /** Moves of the run that waited, in order; the resumption by that name. */
  run_moves: string[];
  run_over: boolean;
}

/** Rows and log, past the doors. */
export async function rowsOf(owner: Pool, numbers: readonly number[]): Promise<Row[]> {
  const { rows } = await owner.query<Row>(
    `select g.id, g.number, g.status, g.version, g.requested_by ->> 'id' as requester, g.on_behalf_of ->> 'id' as behind,
       g.decided_by ->> 'id' as decider, g.decided_at is not null as decided, g.completed_by ->> 'kind' as completer,
       (select coalesce(json_agg(json_build_object('kind', l.kind, 'version', l.version) order by l.seq), '[]') from log l
         where l.tenant_id = g.tenant_id and l.subject_id = g.id::text and l.version is not null) as moves,
       (select count(*)::int from ticket_notes n where n.tenant_id = g.tenant_id and n.external_ref = 'change:' || g.number) as notes,
       (select coalesce(json_agg((case v.verdict when 'approve' then '+' else '-' end) || split_part(v.voter ->> 'name', '@', 1)
           order by v.voted_at, v.id), '[]') from gate_votes v where v.tenant_id = g.tenant_id and v.gate_id = g.id) as votes,
       (select coalesce(json_agg(case when l.transition like 'resume:%' then 'resumed' else replace(l.kind, 'run.', '') end
           order by l.seq), '[]') from log l
         where l.tenant_id = g.tenant_id and l.subject_id = g.run_id::text and l.version is not null) as run_moves,
       coalesce((select r.finished_at is not null from runs r where r.id = g.run_id), true) as run_over
     from gates g where g.number = any($1)`,
    [numbers],
  );
  return rows;
}

const paths: Record<Status, string[]> = {
  pending: [],
  approved: ['requested approved'],
  rejected: ['requested rejected'],
  completed: ['requested approved completed'],
  expired: ['requested expired', 'requested approved expired'],
};

/** What a run may have done once its gate is at rest: it went on once, and nobody's approval is used but an approval. */
const carriedOut = 'spawned started waiting resumed finished';
const refusedAtDispatch = 'spawned started waiting resumed failed';
const wentWithout = 'spawned started waiting finished';

/** What is wrong with the run that waited, given its effects in the outside world. */
function judgeRun(raced: Raced, row: Row, effects: number): string[] {
  const name = `gate ${raced.number}`;
  const path = row.run_moves.join(' ');
  const may =
    row.status === 'rejected' || !row.decided
      ? [wentWithout]
      : row.completer === 'agent'
        ? [carriedOut]
        : [carriedOut, refusedAtDispatch, wentWithout];
  const found: string[] = [];
  if (!may.includes(path)) found.push(`${name}: ${row.status}, and its run: ${path}`);
  if (row.completer === 'agent' && effects !== 1)
    found.push(`${name}: carried out by its agent, with ${effects} effects`);
  if (effects > (row.decided && row.status !== 'rejected' ? 1 : 0))
    found.push(`${name}: ${row.status}, and ${effects} effects`);
  if (path === wentWithout && effects) found.push(`${name}: its run went on without it, and had ${effects} effects`);
  if (raced.altered && (effects || row.completer === 'agent'))
    found.push(`${name}: another call than the approved one was carried out`);
  return found;
}

/** What is wrong with the votes that are kept, by what the model makes of them and by what callers were told. */
function judgeVotes({ number, history }: Raced, row: Row, quorum: Quorum): string[] {
  const name = `gate ${number}`;
  const found: string[] = [];
  const voters = row.votes.map((v) => v.slice(1));
  if (new Set(voters).size < voters.length) found.push(`${name}: somebody voted twice: ${row.votes.join()}`);
  const strangers = voters.filter((v) => !quorum.parts.some(({ of }) => of.includes(v)));
  if (strangers.length) found.push(`${name}: votes of ${strangers.join()}, who may not`);
  const outcome = outcomeOf(quorum, row.votes);
  const stands = row.status === 'rejected' ? 'rejected' : row.decided ? 'approved' : 'pending';
  if (outcome !== stands) found.push(`${name}: ${stands} by the votes ${row.votes.join()}`);
  const told = history.filter((o) => o.outcome === 'ok' && (o.act === 'approve' || o.act === 'reject'));
  for (const { act, voter = 'nobody' } of told)
    if (!row.votes.includes(`${act === 'approve' ? '+' : '-'}${voter}`))
      found.push(`${name}: the vote of ${voter} to ${act} was confirmed, and is not kept`);
  return found;
}

/** What is wrong with a gate that came to rest: its row, its log, its notes, the run that waited, and the history that callers saw. */
export function judge(raced: Raced, row: Row | undefined, effects: number, quorum: Quorum | null = null): string[] {
  const name = `gate ${raced.number}`;
  if (!row) return [`${name}: no row`];
  const found = [...raced.strange];
  const end: Operation = {
    caller: 'row', act: 'read', call: Number.MAX_VALUE, returned: Number.MAX_VALUE, outcome: 'ok', status: row.status,
  }; // prettier-ignore
  // What the agent that waits does by itself: it says that it has carried it out; refused, it has no more use for it.
  const agents = [
    ...(row.completer === 'agent' ? (['complete'] as const) : []),
    ...(row.run_moves.join(' ') === refusedAtDispatch ? (['withdraw'] as const) : []),
  ].map((act): Operation => ({ caller: 'agent', act, call: raced.notBefore, returned: Infinity, outcome: 'unknown', status: null })); // prettier-ignore
  const history = [...raced.history, ...agents, end];
  if (!possible(history, quorum)) found.push(`${name}: no order explains ${written(history)}`);
  if (row.status === 'pending' || row.status === 'approved') found.push(`${name}: never came to rest: ${row.status}`);

  const path = row.moves.map((m) => m.kind.replace('gate.', '')).join(' ');
  if (!paths[row.status].includes(path)) found.push(`${name}: ${row.status} after the log says: ${path}`);
  if (row.moves.some((m, i) => m.version !== i + 1) || row.moves.length !== row.version)
    found.push(`${name}: version ${row.version} of ${JSON.stringify(row.moves)}`);
  const decisions = row.moves.filter((m) => m.kind === 'gate.approved' || m.kind === 'gate.rejected').length;
  if (decisions > 1 || decisions !== Number(row.decided)) found.push(`${name}: ${decisions} decisions in the log`);
  if (row.notes !== row.version + row.votes.length)
    found.push(`${name}: ${row.notes} notes for ${row.version} moves and ${row.votes.length} votes`);
  if (quorum) found.push(...judgeVotes(raced, row, quorum));
  if (row.decider !== null && [row.requester, row.behind].includes(row.decider))
    found.push(`${name}: decided by who asked for it`);
  return [...found, ...(raced.run === null ? [] : judgeRun(raced, row, effects))];
}

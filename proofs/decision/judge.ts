import type { Pool } from 'pg';
import { possible, written } from '../history/check';
import type { Operation, Status } from '../history/model';
import type { Raced } from './race';

interface Row {
  id: string;
  number: number;
  status: Status;
  version: number;
  requester: string;
  decider: string | null;
  decided: boolean;
  /** Of the log, in order: kind and version of every move. */
  moves: { kind: string; version: number }[];
  notes: number;
}

/** Rows and log, past the doors. */
export async function rowsOf(owner: Pool, numbers: readonly number[]): Promise<Row[]> {
  const { rows } = await owner.query<Row>(
    `select g.id, g.number, g.status, g.version, g.requested_by ->> 'id' as requester, g.decided_by ->> 'id' as decider,
       g.decided_at is not null as decided,
       (select coalesce(json_agg(json_build_object('kind', l.kind, 'version', l.version) order by l.seq), '[]') from log l
         where l.tenant_id = g.tenant_id and l.subject_id = g.id::text and l.version is not null) as moves,
       (select count(*)::int from ticket_notes n where n.tenant_id = g.tenant_id and n.external_ref = 'change:' || g.number) as notes
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

/** What is wrong with a gate that came to rest: its row, its log, its notes, and the history that callers saw. */
export function judge(raced: Raced, row: Row | undefined): string[] {
  const name = `gate ${raced.number}`;
  if (!row) return [`${name}: no row`];
  const found = [...raced.strange];
  const end: Operation = {
    caller: 'row', act: 'read', call: Number.MAX_VALUE, returned: Number.MAX_VALUE, outcome: 'ok', status: row.status,
  }; // prettier-ignore
  const history = [...raced.history, end];
  if (!possible(history)) found.push(`${name}: no order explains ${written(history)}`);
  if (row.status === 'pending' || row.status === 'approved') found.push(`${name}: never came to rest: ${row.status}`);

  const path = row.moves.map((m) => m.kind.replace('gate.', '')).join(' ');
  if (!paths[row.status].includes(path)) found.push(`${name}: ${row.status} after the log says: ${path}`);
  if (row.moves.some((m, i) => m.version !== i + 1) || row.moves.length !== row.version)
    found.push(`${name}: version ${row.version} of ${JSON.stringify(row.moves)}`);
  const decisions = row.moves.filter((m) => m.kind === 'gate.approved' || m.kind === 'gate.rejected').length;
  if (decisions > 1 || decisions !== Number(row.decided)) found.push(`${name}: ${decisions} decisions in the log`);
  if (row.notes !== row.version) found.push(`${name}: ${row.notes} notes for ${row.version} moves`);
  if (row.decider !== null && row.decider === row.requester) found.push(`${name}: approved by who asked for it`);
  return found;
}

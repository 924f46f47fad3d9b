import { today, type Asked } from './calls';
import { micros } from './instant';
import { prepared } from './prepared';
import type { Read } from './tx';

// The calls worth a look: those marked up to the cursor, and those after it (migrations/000056_call_tallies.sql).

export interface MarkedCall {
  id: string;
  agent_id: string | null;
  tool: string | null;
  decision: string;
  timestamp: string;
  /** 0..1, where the call has one. */
  risk_score: number | null;
}

const recent = 'governed_calls(calls_tallied(), 9223372036854775807)';
const shown = `l.id, l.agent_id, l.tool, l.decision, ${micros('l.at')} as timestamp, call_risk(l.body) / 1000000.0::float8 as risk_score`;
/** The newest of each of several lists, which an index has in order, are the newest of all. */
const newest = (from: string, of: string, after: string): string =>
  `select seq from (
     (select m.seq from ${from} cross join lateral (select m.seq from call_marks m where ${of} order by m.seq desc limit $1) m)
     union all (select seq from ${recent} where ${after})) found order by seq desc limit $1`;

/** Those of a risk of at least so many hundredths (from 30 on), newest first. */
export async function highRiskCalls(
  tx: Read,
  { days, agentId }: Asked,
  threshold: number,
  limit: number,
): Promise<(MarkedCall & { risk_score: number; findings: string[] })[]> {
  const [of, after] = agentId === null ? ['', ''] : [' and m.agent_id = $4::uuid', ' and agent_id = $4::uuid'];
  const { rows } = await prepared<MarkedCall & { risk_score: number; findings: string[] }>(
    tx,
    `select ${shown}, (call_findings(l.body))[1:5] as findings
     from (${newest('generate_series($2::int, 100) b(bin)', `m.bin = b.bin::smallint${of}`, `risk >= $2::int * 10000${after}`)}) f
     join log l on l.seq = f.seq
     where (l.at at time zone 'utc')::date > ${today} - $3::int order by l.seq desc`,
    [limit, Math.round(threshold * 100), days, ...(agentId === null ? [] : [agentId])],
  );
  return rows;
}

const marks = ['agent_kill', 'escalation', 'policy_deny', 'high_risk'] as const;
type Mark = (typeof marks)[number];
const said: Record<Mark, string> = {
  agent_kill: 'was stopped',
  escalation: 'waits for a person',
  policy_deny: 'was refused',
  high_risk: 'was carried out at high risk',
};
const severityOf = (mark: Mark, risk: number): 'critical' | 'high' | 'medium' => {
  if (mark === 'agent_kill' || risk >= 0.9) return 'critical';
  return risk >= 0.7 ? 'high' : 'medium';
};

/** What somebody on duty should see, newest first. */
export async function socTimeline(
  tx: Read,
  limit: number,
): Promise<(MarkedCall & { type: Mark; severity: 'critical' | 'high' | 'medium'; message: string })[]> {
  const { rows } = await prepared<MarkedCall & { type: Mark; reason: string | null }>(
    tx,
    `select ${shown}, call_mark(l.decision, call_risk(l.body)) as type, l.reason
     from (${newest(`unnest('{${marks.join(', ')}}'::text[]) k(mark)`, 'm.mark = k.mark', 'call_mark(decision, risk) is not null')}) f
     join log l on l.seq = f.seq order by l.seq desc`,
    [limit],
  );
  return rows.map(({ reason, ...row }) => ({
    ...row,
    severity: severityOf(row.type, row.risk_score ?? 0),
    message: `${row.tool ?? 'a call'} ${said[row.type]}${reason === null ? '' : `: ${reason}`}`,
  }));
}

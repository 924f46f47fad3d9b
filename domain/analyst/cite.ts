import type { Observation, Report } from '../harness';
import { carriedOut } from './calls';

/**
 * Code, not the analyst, decides what may stand: a claim, table or reference is kept only when it cites an observation
 * that was recorded, and citations of anything else are taken off. What was dropped is counted in the limits.
 */
export function dropUncited(report: Report, observations: readonly Observation[]): Report {
  const recorded = new Set(observations.filter(carriedOut).flatMap(({ digest }) => digest ?? []));
  const cited = <Entry extends { cites: string[] }>(entry: Entry): Entry => ({
    ...entry,
    cites: entry.cites.filter((digest) => recorded.has(digest)),
  });
  const kept = <Entry extends { cites: string[] }>(entries: readonly Entry[]): Entry[] =>
    entries.map(cited).filter(({ cites }) => cites.length > 0);
  const claims = kept(report.claims);
  const statements = new Set(claims.map(({ statement }) => statement));
  const dropped = report.claims.length - claims.length;
  const limit = `${dropped === 1 ? 'One statement was' : `${dropped} statements were`} dropped: nothing that was observed is cited for it.`;
  return {
    ...report,
    claims,
    hypotheses: kept(report.hypotheses).filter(
      ({ statement, kind }) => kind === 'hypothesis' && statements.has(statement),
    ),
    tables: kept(report.tables),
    references: kept(report.references),
    limits: dropped === 0 ? report.limits : [...report.limits, limit],
    steering: report.steering.map(cited),
  };
}

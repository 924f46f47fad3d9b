import type { Brief, Claim, Observation, Report } from '../harness';
import { assess, ranked } from './assess';
import { CONCLUSIVE, finding } from './assessment';
import { dropUncited } from './cite';
import { gather, isLog } from './evidence';
import type { Evidence } from './evidence';
import { limitsOf } from './limits';
import { answers } from './steering';
import { namedSystems } from './systems';
import { counted, quoted } from './words';

const MAX_CLAIMS = 60;
const MAX_TABLES = 24;

/** The report that the evidence carries, no more: what cites nothing is dropped, and no leading hypothesis is an answer too. */
export function buildReport(brief: Brief, observations: readonly Observation[]): Report {
  const evidence = gather(brief, observations);
  const assessed = evidence.files.map(assess);
  const fromFiles = assessed.flatMap(({ claims }) => claims);
  const hypotheses = ranked(fromFiles);
  const findings = fromFiles.filter(({ kind }) => kind === 'finding');
  const draft: Report = {
    title: `Analysis of ticket #${brief.ticket.number}: ${brief.ticket.title}`,
    summary: '',
    claims: [...hypotheses, ...known(evidence), ...granted(brief, evidence), ...findings, ...quotes(evidence)].slice(
      0,
      MAX_CLAIMS,
    ),
    hypotheses,
    tables: assessed.flatMap(({ tables }) => tables).slice(0, MAX_TABLES),
    references: referencesOf(evidence),
    limits: limitsOf(brief, evidence),
    steering: answers(brief, evidence),
  };
  const report = dropUncited(draft, observations);
  return { ...report, summary: summaryOf(brief, report, evidence) };
}

/** Blueprints, articles and tickets that others recorded for cases like this one. */
function known({ blueprints, articles, tickets }: Evidence): Claim[] {
  const matches = (blueprints?.result ?? []).slice(0, 3).map((match) => {
    const state = [match.status, match.version > 0 ? `version ${match.version}` : '']
      .filter((part) => part !== '')
      .join(', ');
    const why = match.note === '' ? '' : ` ${match.note}`;
    return finding(
      `This ticket matches known blueprint #${match.id} ${quoted(match.title)} (${state}).${why}`,
      blueprints === null ? [] : [blueprints.digest],
      confidenceOf(match.score),
    );
  });
  const told = (articles?.result ?? [])
    .slice(0, 2)
    .map(({ id, title, score }) =>
      finding(
        `Article #${id} ${quoted(title)} treats something alike.`,
        articles === null ? [] : [articles.digest],
        confidenceOf(score),
      ),
    );
  const alike = (tickets?.result ?? [])
    .slice(0, 3)
    .map(({ id, title, note, score }) =>
      finding(
        `Ticket #${id} ${quoted(title)} is similar${note === '' ? '' : ` (${note})`}.`,
        tickets === null ? [] : [tickets.digest],
        confidenceOf(score),
      ),
    );
  return [...matches, ...told, ...alike];
}

/** Scores of a search are 0..1 or open-ended ranks; a match is never a certainty. */
const confidenceOf = (score: number): number =>
  score > 0 && score <= 1 ? Math.round(Math.min(0.95, score) * 100) / 100 : 0.6;

function granted(brief: Brief, { vault }: Evidence): Claim[] {
  return namedSystems(brief).flatMap(({ name, lease }) => {
    const check = vault.findLast(({ result }) => result.system === lease.system);
    if (check?.result.allow !== true) return [];
    const scope = `${lease.action} ${lease.resourceType} ${lease.resourceId}`;
    return [
      finding(`Access to ${name} is granted for this run: the vault confirms a lease to ${scope}.`, [check.digest]),
    ];
  });
}

/** Lines that show what the leading explanations rest on. */
function quotes({ files }: Evidence): Claim[] {
  return files.flatMap(({ filename, searches }) =>
    searches.slice(0, 4).map(({ result, digest }) => {
      const first = result.matches[0];
      const what = quoted(result.query.replaceAll('"', ''), 80);
      const statement =
        first === undefined
          ? `No line of ${filename} holds ${what}.`
          : `${counted(result.total, 'line')} of ${filename} ${result.total === 1 ? 'holds' : 'hold'} ${what}; line ${first.line} reads ${quoted(first.text)}.`;
      return finding(statement, [digest]);
    }),
  );
}

function referencesOf({ blueprints, articles, tickets }: Evidence): Report['references'] {
  const list = (kind: 'blueprint' | 'article' | 'ticket', cited: Evidence['tickets']): Report['references'] =>
    (cited?.result ?? [])
      .slice(0, 5)
      .map(({ id, title }) => ({ kind, id, title, cites: cited === null ? [] : [cited.digest] }));
  return [...list('blueprint', blueprints), ...list('article', articles), ...list('ticket', tickets)];
}

/** Written from what may stand in the report, so that it can claim nothing beyond it. */
function summaryOf(brief: Brief, report: Report, evidence: Evidence): string {
  const read = evidence.files.filter(isLog).map(({ filename }) => filename);
  const leading = report.hypotheses[0];
  const parts = [read.length === 0 ? 'No log could be analysed.' : `Read: ${read.join(', ')}.`];
  if (leading === undefined)
    parts.push(read.length === 0 ? 'Inconclusive.' : 'Inconclusive: nothing in it carries an explanation.');
  else if (leading.confidence < CONCLUSIVE)
    parts.push(
      `Inconclusive; the best of ${counted(report.hypotheses.length, 'possibility', 'possibilities')}: ${leading.statement}`,
    );
  else parts.push(`Most likely (strength of evidence ${leading.confidence}): ${leading.statement}`);
  const second = report.hypotheses[1];
  if (leading !== undefined && second !== undefined && second.confidence >= CONCLUSIVE)
    parts.push(`Also: ${second.statement}`);
  const blueprint = report.references.find(({ kind }) => kind === 'blueprint');
  if (blueprint) parts.push(`It matches known blueprint #${blueprint.id} ${quoted(blueprint.title)}.`);
  if (report.limits.length > 0)
    parts.push(
      `${counted(report.limits.length, 'limit')} of this analysis ${report.limits.length === 1 ? 'is' : 'are'} listed.`,
    );
  if (brief.steering.length > 0)
    parts.push(
      `${counted(brief.steering.length, 'note')} received while it ran ${brief.steering.length === 1 ? 'is' : 'are'} answered.`,
    );
  return parts.join(' ');
}

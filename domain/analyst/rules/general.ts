import type { Burst } from '../../logs/types';
import { addressesOf, digests, finding, hypothesis, nothing, rule, signal } from '../assessment';
import type { Assessment, Having, Rule } from '../assessment';
import { between, counted, listed, percent, quoted } from '../words';

const ROWS = 15;
/** A busy time of fewer records than this is not worth a sentence. */
const NOTABLE = 50;

/** What the file is: the ground on which everything else stands. */
const overview = rule('overview', ['profile', 'errors', 'templates'], (file) => {
  const { profile, errors } = file;
  const { lines, events, first, last, formats } = profile.result;
  const { failingEvents, failingLines, failingShare } = errors.result;
  const format = formats[0]?.value ?? 'unknown';
  const kinds = counted(profile.result.templates, 'kind of line', 'kinds of lines');
  const claims = [
    finding(
      `${file.filename} holds ${counted(lines, 'line')} (${format}; ${kinds})${between(first, last)}.`,
      digests(profile),
    ),
    finding(
      failingEvents === 0
        ? `No line of ${file.filename} is at an error level or speaks of a failure that the rules know; ${warnings(file)}.`
        : `${failingEvents} of ${counted(events, 'event')} in ${file.filename} speak of failure (${percent(failingShare)}, on ${counted(failingLines, 'line')}); ${warnings(file)}.`,
      digests(errors),
    ),
  ];
  const tables = [errorTable(file), templateTable(file)].filter(({ rows }) => rows.length > 0);
  return { claims, tables, searches: [] };
});

function warnings(file: Having<'errors'>): string {
  const { warningEvents, templates } = file.errors.result;
  const top = templates.find(({ level }) => level === 'warning');
  const most = top === undefined || warningEvents === 0 ? '' : `, most often ${quoted(top.text, 120)} (${top.events})`;
  return counted(warningEvents, 'warning') + most;
}

function errorTable(file: Having<'errors'>): Assessment['tables'][number] {
  const rows = file.errors.result.templates
    .slice(0, ROWS)
    .map(({ text, level, events, share }) => [text, level, events, percent(share)]);
  return {
    title: `Failures and warnings by kind, ${file.filename}`,
    columns: ['Template', 'Level', 'Events', 'Share of failures'],
    rows,
    cites: digests(file.errors),
  };
}

function templateTable(file: Having<'templates'>): Assessment['tables'][number] {
  const { templates, total } = file.templates.result;
  const rows = templates
    .slice(0, ROWS)
    .map(({ process, text, events, first, last }) => [process ?? '–', text, events, first ?? '–', last ?? '–']);
  const title = `Most frequent kinds of lines, ${file.filename} (${rows.length} of ${total})`;
  return { title, columns: ['Process', 'Template', 'Events', 'First', 'Last'], rows, cites: digests(file.templates) };
}

const stated = ({ from, to, events, templates }: Burst): string =>
  `${counted(events, 'event')} between ${from ?? '?'} and ${to ?? '?'}, mostly ${quoted(templates[0]?.text ?? 'unknown', 120)}`;

/** When it fails and when it is busy, as against its usual rate, and when it is silent. */
const rhythm = rule('bursts-and-gaps', ['bursts'], (file) => {
  const { bursts, gaps, notes, bucketSeconds } = file.bursts.result;
  const cites = digests(file.bursts);
  const of = (kind: Burst['of']): Burst[] =>
    bursts.filter((burst) => burst.of === kind).sort((a, b) => b.events - a.events);
  const [failures, records] = [of('failures'), of('records')];
  const usual = (burst: Burst): string => `${bucketSeconds ?? '?'} s of this log usually hold ${burst.usual}`;
  const claims = bucketSeconds === null ? [] : notes.map((note) => finding(`${file.filename}: ${note}`, cites));
  if (failures[0])
    claims.push(
      finding(
        `Failures come in ${counted(failures.length, 'burst')}; ${usual(failures[0])}. The largest: ${stated(failures[0])}.`,
        cites,
      ),
    );
  if (records[0] && records[0].events >= NOTABLE)
    claims.push(
      finding(
        `Without more failures, ${file.filename} is busier than usual ${counted(records.length, 'time')}. The largest: ${stated(records[0])}.`,
        cites,
      ),
    );
  for (const { from, to, seconds, expectedRecords } of gaps.slice(0, 2))
    claims.push(
      finding(
        `${file.filename} is silent for ${seconds} s from ${from ?? '?'} to ${to ?? '?'}, where about ${expectedRecords} records are usual.`,
        cites,
        0.85,
      ),
    );
  const rows = bursts
    .slice(0, 20)
    .map((burst) => [
      burst.of,
      burst.from ?? '–',
      burst.to ?? '–',
      burst.events,
      burst.peak,
      burst.usual,
      burst.templates[0]?.text ?? '–',
    ]);
  const columns = ['Of', 'From', 'To', 'Events', 'Peak', 'Usual', 'Mostly'];
  const title = `Bursts, ${file.filename} (buckets of ${bucketSeconds ?? '?'} s)`;
  return { claims, tables: rows.length === 0 ? [] : [{ title, columns, rows, cites }], searches: [] };
});

/** Who connects, where the log says no more than that. */
const connections = rule('connections', ['errors', 'sources'], (file) => {
  const total = signal(file, 'net.connection');
  if (total === null) return nothing;
  const clients = file.sources.result.addresses
    .flatMap(({ value, categories }) => {
      const count = categories.find(({ id }) => id === total.id)?.events ?? 0;
      return count > 0 ? [{ value, count }] : [];
    })
    .sort((a, b) => b.count - a.count);
  const from = Math.max(clients.length, addressesOf(file, total.id));
  const statement =
    `${counted(total.events, 'incoming connection')} in ${file.filename}${between(total.first, total.last)}, from ${counted(from, 'address', 'addresses')}: ` +
    `${clients.length === 0 ? 'none of them among those listed' : listed(clients, 5, from)}. What came of them, these lines do not say.`;
  return { ...nothing, claims: [finding(statement, digests(file.errors, file.sources))] };
});

/** Failures that begin within the log, shortly after something new. That one follows the other proves nothing. */
const onset = rule('onset-after-change', ['bursts', 'errors'], (file) => {
  const { onset: at, changes } = file.bursts.result;
  const change = changes[0];
  const before = file.errors.result.eventsBeforeFirst ?? 0;
  if (at === null || (at.by === 'first_failure' && before < 0.1)) return nothing;
  const claims =
    before < 0.1
      ? []
      : [
          finding(
            `The first ${percent(before)} of the events in ${file.filename} are free of failures; they set in at ${at.at ?? '?'}.`,
            digests(file.bursts, file.errors),
          ),
        ];
  if (change === undefined) return { ...nothing, claims };
  const what = change.kind === 'lifecycle' ? 'a start, stop or change of a service' : 'a kind of line that is new';
  const statement =
    `The failures began at ${at.at ?? '?'}, ${change.secondsBeforeOnset} s after ${what}: ${quoted(change.text, 160)} (${change.at ?? '?'}). ` +
    `The order is in the log; that one caused the other is not.`;
  const confidence = change.kind === 'lifecycle' ? 0.6 : 0.45;
  claims.push(hypothesis(statement, digests(file.bursts, file.errors), confidence));
  return { ...nothing, claims };
});

/** Nothing that the rules know, but one kind of failure stands out. */
const dominant = rule('dominant-error', ['errors'], (file) => {
  const { failingEvents, templates, signals } = file.errors.result;
  const top = templates[0];
  const known = signals.some((found) => found.failing && found.events >= failingEvents / 4);
  if (known || top === undefined || failingEvents < 3 || top.share < 0.3) return nothing;
  const statement =
    `One kind of failure dominates ${file.filename}: ${quoted(top.text)}, ${counted(top.events, 'time')}, ${percent(top.share)} of all failing events. ` +
    `No rule knows what it means.`;
  const confidence = Math.round((0.25 + 0.2 * top.share) * 100) / 100;
  return { claims: [hypothesis(statement, digests(file.errors), confidence)], tables: [], searches: [] };
});

export const generalRules: readonly Rule[] = [overview, rhythm, connections, onset, dominant];

import type { Search } from './search';
import type * as T from './types';

/** The most that a result may weigh as JSON: it goes into a ledger and is digested. */
export const MAX_RESULT_CHARS = 28_000;

const size = (value: unknown): number => JSON.stringify(value).length;

/** Shortens the named lists from their end, the longest one first, until the result fits. */
function fit<R extends { omitted: number }>(result: R, lists: readonly unknown[][]): R {
  while (size(result) > MAX_RESULT_CHARS) {
    const longest = lists.reduce((a, b) => (size(b) > size(a) ? b : a), lists[0] ?? []);
    if (longest.length === 0) break;
    const dropped = Math.max(1, longest.length >> 3);
    longest.length -= dropped;
    result.omitted += dropped;
  }
  return result;
}

export function profileResult({ profile }: T.LogReport): T.ProfileResult {
  return { kind: 'logs.profile', ...profile };
}

export function templatesResult({ templates, profile }: T.LogReport, limit: number): T.TemplatesResult {
  const shown = templates.slice(0, limit);
  return fit(
    { kind: 'logs.templates', total: profile.templates, omitted: profile.templates - shown.length, templates: shown },
    [shown],
  );
}

/** Every signal is worth more than the last details of one: the details go first. */
export function errorsResult({ errors }: T.LogReport): T.ErrorsResult {
  const attempt = (subjects: number): T.ErrorsResult => {
    const signals = errors.signals.map((signal) => ({ ...signal, subjects: signal.subjects.slice(0, subjects) }));
    return { kind: 'logs.errors', omitted: 0, ...errors, signals, templates: [...errors.templates] };
  };
  const fitting = [12, 6, 3, 1].map(attempt).find((result) => size(result) <= MAX_RESULT_CHARS) ?? attempt(1);
  return fit(fitting, [fitting.templates, fitting.signals]);
}

export function burstsResult({ bursts }: T.LogReport): T.BurstsResult {
  const lists = { bursts: [...bursts.bursts], gaps: [...bursts.gaps], changes: [...bursts.changes] };
  return fit({ kind: 'logs.bursts', omitted: 0, ...bursts, ...lists }, Object.values(lists));
}

export function sourcesResult({ sources }: T.LogReport): T.SourcesResult {
  // Those with most failures, and those that are merely busy.
  const busy = sources.addresses.slice(50).sort((a, b) => b.lines - a.lines);
  const addresses = [...sources.addresses.slice(0, 50), ...busy.slice(0, 10)];
  const users = sources.users.slice(0, 15);
  const logins = sources.logins.slice(0, 30);
  const omitted =
    sources.distinctAddresses -
    addresses.length +
    (sources.distinctUsers - users.length) +
    (sources.distinctLogins - logins.length);
  return fit({ kind: 'logs.sources', ...sources, omitted, addresses, users, logins }, [addresses, users, logins]);
}

export function searchResult({ query, total, matches }: Search): T.SearchResult {
  const shown = [...matches];
  const result: T.SearchResult = {
    kind: 'logs.search',
    query: query.query,
    terms: query.terms,
    total,
    omitted: total - shown.length,
    matches: shown,
  };
  return fit(result, [shown]);
}

import type { Login, Source, SourceCategory } from '../../logs/types';
import { addressesOf, digests, finding, hypothesis, nothing, rule, signal, strength } from '../assessment';
import type { Assessment, Having, Rule } from '../assessment';
import { between, counted, listed, listedValues, times } from '../words';

/** How loggers count an attempt to log in, the most direct first: an attempt is counted by one of them only. */
const ATTEMPTS = ['auth.failed_password', 'auth.pam_failure', 'auth.login_failed'] as const;
/** What else speaks of the same attempts. */
const FAMILY = [...ATTEMPTS, 'auth.failed_other', 'auth.invalid_user', 'auth.too_many', 'auth.breakin'];
const NOUNS = new Map([
  ['auth.failed_password', 'failed password attempt'],
  ['auth.pam_failure', 'authentication failure'],
  ['auth.login_failed', 'failed login'],
]);
const MANY = 10;
const ROWS = 25;
/** So many failures before a success are no slip of the fingers. */
const SUSPICIOUS = 5;

export interface Attacker {
  source: Source;
  attempts: SourceCategory;
}

/** Who made the attempts that this signal counts, the most active first. */
function attackersBy(file: Having<'sources'>, id: string): Attacker[] {
  const list = file.sources.result.addresses.flatMap((source) => {
    const attempts = source.categories.find((category) => category.id === id);
    return attempts === undefined ? [] : [{ source, attempts }];
  });
  return list.sort((a, b) => b.attempts.events - a.attempts.events || b.source.lines - a.source.lines);
}

/** Which signal counts the attempts of this log, and who made them; null when it holds none. */
export function attackers(file: Having<'errors' | 'sources'>): { id: string; list: Attacker[] } | null {
  const id = ATTEMPTS.find((candidate) => signal(file, candidate) !== null);
  return id === undefined ? null : { id, list: attackersBy(file, id) };
}

/** `286 failed password attempts`, and where the logger folded repetitions `6 failed password attempts (2 lines)`. */
function attemptsOf(id: string, { events, lines }: { events: number; lines: number }): string {
  const folded = events === lines ? '' : ` (${counted(lines, 'line')})`;
  return counted(events, NOUNS.get(id) ?? 'failure') + folded;
}

const users = (source: Source): string => listedValues(source.counterparts, 4);

const guessing = rule('password-guessing', ['errors', 'sources'], (file) => {
  const found = attackers(file);
  const total = found && signal(file, found.id);
  if (!found || !total) return nothing;
  const cites = digests(file.sources, file.errors);
  const { list } = found;
  const sources = Math.max(list.length, addressesOf(file, found.id));
  const claims = list.slice(0, 5).map(({ source, attempts }) => attackerFinding(file, source, attempts));
  const top = list[0];
  if (total.events >= MANY && top !== undefined && (top.attempts.events >= MANY || list.length >= 5)) {
    const failing = file.errors.result.failingEvents;
    const explained = FAMILY.reduce((sum, id) => sum + (signal(file, id)?.events ?? 0), 0);
    const support =
      Number(list.length >= 3) + Number(top.attempts.events >= 50) + Number(signal(file, 'auth.invalid_user') !== null);
    const named = list.slice(0, 5).map(({ source, attempts }) => ({ value: source.value, count: attempts.events }));
    const from = `${file.sources.result.exact ? '' : 'at least '}${counted(sources, 'source')}`;
    const statement =
      `Password guessing from the network: ${attemptsOf(total.id, total)} in ${file.filename}${between(total.first, total.last)}, ` +
      `from ${from}. The most active: ${listed(named, 5, sources)}.`;
    claims.unshift(hypothesis(statement, cites, strength({ explained, failing, events: total.events, support })));
  }
  const other = found.id === 'auth.login_failed' ? null : signal(file, 'auth.login_failed');
  if (other !== null) {
    const others = attackersBy(file, other.id).map(({ source, attempts }) => ({
      value: source.value,
      count: attempts.events,
    }));
    const from = others.length === 0 ? '' : `, from ${listed(others, 3)}`;
    claims.push(
      finding(`Beside these: ${attemptsOf(other.id, other)}${between(other.first, other.last)}${from}.`, cites),
    );
  }
  return {
    claims,
    tables: [attackerTable(file, list, sources)],
    searches: top === undefined ? [] : [top.source.value],
  };
});

function attackerFinding(file: Having<'sources'>, source: Source, attempts: SourceCategory) {
  const named = users(source);
  return finding(
    `${source.value}: ${attemptsOf(attempts.id, attempts)}${between(attempts.first, attempts.last)}` +
      `${named === '' ? '' : `, on ${named}`}. ${counted(source.lines, 'line')} of ${file.filename} name this ${source.kind}.`,
    digests(file.sources),
  );
}

function attackerTable(
  file: Having<'sources'>,
  list: readonly Attacker[],
  sources: number,
): Assessment['tables'][number] {
  const shown = Math.min(ROWS, list.length);
  const more = sources > shown ? ` (${shown} of ${sources})` : '';
  return {
    title: `Failed logins by source, ${file.filename}${more}`,
    columns: ['Source', 'Attempts', 'Log lines of them', 'All lines naming it', 'Login names tried', 'First', 'Last'],
    rows: list
      .slice(0, ROWS)
      .map(({ source, attempts }) => [
        source.value,
        attempts.events,
        attempts.lines,
        source.lines,
        users(source) || '–',
        attempts.first ?? '–',
        attempts.last ?? '–',
      ]),
    cites: digests(file.sources),
  };
}

/** Did any of it succeed? The question after every guessed password, and worth an answer either way. */
const success = rule('success-after-failures', ['errors', 'sources'], (file) => {
  const found = attackers(file);
  if (found === null || found.list.length === 0) return nothing;
  const { logins, distinctLogins, exact } = file.sources.result;
  const cites = digests(file.sources, file.errors);
  const suspicious = logins.filter((login) => login.failuresOfAddressBefore >= SUSPICIOUS);
  const claims = suspicious
    .slice(0, 3)
    .map((login) =>
      hypothesis(
        `Possible compromise: ${login.address} logged in as ${login.user} (first ${login.first ?? 'at an unknown time'}) ` +
          `after ${login.failuresOfAddressBefore} failed attempts from the same address. Treat the account as suspect until its owner explains it.`,
        cites,
        login.failuresOfAddressBefore >= 20 ? 0.9 : 0.7,
      ),
    );
  if (claims.length === 0)
    claims.push(
      finding(
        withoutSuccess(file, logins, distinctLogins),
        cites,
        exact && logins.length === distinctLogins ? 0.95 : 0.8,
      ),
    );
  return {
    claims,
    tables: logins.length === 0 ? [] : [loginTable(file, logins)],
    searches: logins.length === 0 ? [] : ['accepted'],
  };
});

function withoutSuccess(file: Having<'sources'>, logins: readonly Login[], distinct: number): string {
  if (logins.length === 0) return `${file.filename} records no successful login through the network.`;
  const named = logins.slice(0, 3).map((login) => {
    const before =
      login.address === ''
        ? `${login.failuresOfUserBefore} failed attempts on that name before it`
        : `${login.failuresOfAddressBefore} failed attempts from there before it`;
    return `${login.user} from ${login.address || 'an address that the log does not name'} (${times(login.events, login.events)}, ${before})`;
  });
  const more = distinct > named.length ? `, and ${distinct - named.length} more` : '';
  const unknown = logins.some(({ address }) => address === '');
  const head = unknown
    ? `${file.filename} records sessions without their address, so that it can not be told whether an attacking source succeeded`
    : `No source with ${SUSPICIOUS} or more failed attempts logged in afterwards, as far as ${file.filename} shows`;
  return `${head}. Successful logins: ${named.join('; ')}${more}.`;
}

function loginTable(file: Having<'sources'>, logins: readonly Login[]): Assessment['tables'][number] {
  return {
    title: `Successful logins, ${file.filename}`,
    columns: ['User', 'From', 'Times', 'First', 'Failures from there before', 'Failures on this name before'],
    rows: logins
      .slice(0, ROWS)
      .map((login) => [
        login.user,
        login.address || 'not logged',
        login.events,
        login.first ?? '–',
        login.address === '' ? '–' : login.failuresOfAddressBefore,
        login.failuresOfUserBefore,
      ]),
    cites: digests(file.sources),
  };
}

const enumeration = rule('account-enumeration', ['errors', 'sources'], (file) => {
  const invalid = signal(file, 'auth.invalid_user');
  if (invalid === null || invalid.events < MANY || invalid.distinctSubjects < 5) return nothing;
  const names = invalid.subjects.map(({ value, events }) => ({ value: value || '(empty)', count: events }));
  const { failingEvents: failing } = file.errors.result;
  const statement =
    `Guessing of account names: ${counted(invalid.events, 'attempt')} with ${invalid.distinctSubjects} names that do not exist` +
    `${between(invalid.first, invalid.last)}. The most frequent: ${listed(names, 6, invalid.distinctSubjects)}.`;
  const confidence = strength({ explained: invalid.events, failing, events: invalid.events, support: 1 });
  return { ...nothing, claims: [hypothesis(statement, digests(file.errors, file.sources), confidence)] };
});

export const authenticationRules: readonly Rule[] = [success, guessing, enumeration];

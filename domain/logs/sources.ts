import { Counter } from './counter';
import { isAddress, scopeOf } from './mask';
import { Span } from './span';
import { Table } from './table';

import { excerpt } from './text';
import type { Login, LogSources, LogTime, Source, SourceCategory, Values } from './types';

const SOURCES_KEPT = 5000;
const LOGINS_KEPT = 2000;
const COUNTERPARTS_KEPT = 24;
const REPORTED = 200;
/** Failed attempts to log in, as loggers count them; the same attempt may also be there as PAM saw it. */
const ATTEMPTS = ['auth.failed_password', 'auth.login_failed', 'auth.pam_failure'];

const NOBODY: Values = { distinct: 0, exact: true, top: [] };

class Row {
  lines = 0;
  failingEvents = 0;
  readonly span = new Span();
  readonly categories = new Map<string, { events: number; lines: number; span: Span }>();
  /** By attempt, and for logs that only have PAM's account of it, by that. */
  counterparts: Counter | null = null;
  counterpartsOfPam: Counter | null = null;
}

/** What one line tells about who is at the other end. */
export interface Mention {
  addresses: readonly string[];
  /** The address or host that acted, when the line says so: `from …`, `rhost=…`. */
  host: string | null;
  user: string | null;
  signals: readonly string[];
  failing: boolean;
  events: number;
  ms: number | null;
}

/** Addresses, hosts and users, each with its failures by kind, and who logged in after how many of them. */
export class SourceTable {
  private readonly addresses = this.table();
  private readonly users = this.table();
  private readonly logins = new Table<Login & { ms: number | null; session: boolean }>(
    LOGINS_KEPT,
    () => ({
      user: '',
      address: '',
      events: 0,
      first: null,
      failuresOfAddressBefore: 0,
      failuresOfUserBefore: 0,
      ms: null,
      session: false,
    }),
    (row) => row.events,
  );
  private accepted = false;

  add(mention: Mention): void {
    const { host, user, events } = mention;
    const named = host === null || host === '' ? mention.addresses : [...mention.addresses, host];
    for (const address of new Set(named)) count(this.addresses.row(address.slice(0, 160)), mention, user);
    if (user !== null) count(this.users.row(user.slice(0, 160)), mention, host ?? mention.addresses[0] ?? null);
    if (user !== null && mention.signals.includes('auth.accepted')) {
      this.accepted = true;
      this.login(user, host ?? mention.addresses[0] ?? '', events, mention.ms, false);
    }
  }

  /** A session that was opened through the network; its line names no address. */
  session(user: string, events: number, ms: number | null): void {
    this.login(user, '', events, ms, true);
  }

  report(show: (ms: number) => LogTime): LogSources {
    const list = (table: Table<Row>, user: boolean): Source[] => {
      const rows = table.heaviest();
      const busiest = [...rows].sort((a, b) => b[1].lines - a[1].lines).slice(0, REPORTED / 4);
      const kept = new Set([...busiest, ...rows].slice(0, REPORTED));
      return rows.filter((row) => kept.has(row)).map(([value, row]) => source(value, row, user, show));
    };
    // Where the logger names successful logins itself, its sessions are the same logins once more.
    const logins = this.logins
      .heaviest()
      .filter(([, row]) => row.session !== this.accepted)
      .map(([, { ms, session: _, ...login }]) => ({ ...login, first: ms === null ? null : show(ms) }));
    const perCategory = new Counter(Number.POSITIVE_INFINITY);
    for (const [, row] of this.addresses.heaviest()) for (const id of row.categories.keys()) perCategory.add(id);
    return {
      addresses: list(this.addresses, false),
      categories: perCategory.entries().map(([id, addresses]) => ({ id, addresses })),
      distinctAddresses: this.addresses.distinct,
      users: list(this.users, true),
      distinctUsers: this.users.distinct,
      logins: logins.slice(0, REPORTED),
      distinctLogins: logins.length,
      exact: this.addresses.exact && this.users.exact && this.logins.exact,
    };
  }

  private login(user: string, address: string, events: number, ms: number | null, session: boolean): void {
    const row = this.logins.row(`${session ? 1 : 0}\n${user}\n${address}`.slice(0, 320));
    row.events += events;
    if (row.events > events) return;
    Object.assign(row, { user: excerpt(user, 80), address: excerpt(address, 80), ms, session });
    row.failuresOfAddressBefore = attempts(this.addresses.peek(address));
    row.failuresOfUserBefore = attempts(this.users.peek(user));
  }

  private table(): Table<Row> {
    return new Table(
      SOURCES_KEPT,
      () => new Row(),
      (row) => row.failingEvents * 1000 + row.lines,
    );
  }
}

function count(row: Row, mention: Mention, counterpart: string | null): void {
  row.lines += 1;
  row.span.extend(mention.ms);
  if (mention.failing) row.failingEvents += mention.events;
  const ids = mention.failing && mention.signals.length === 0 ? ['failure.other'] : mention.signals;
  for (const id of ids) {
    const category = row.categories.get(id) ?? { events: 0, lines: 0, span: new Span() };
    category.events += mention.events;
    category.lines += 1;
    category.span.extend(mention.ms);
    row.categories.set(id, category);
  }
  if (counterpart === null || counterpart === '' || ids.includes('auth.invalid_user')) return;
  const field = ids.includes('auth.pam_failure') ? 'counterpartsOfPam' : 'counterparts';
  const counter = (row[field] ??= new Counter(COUNTERPARTS_KEPT));
  counter.add(counterpart.slice(0, 80), mention.events);
}

const attempts = (row: Row | null): number =>
  Math.max(0, ...ATTEMPTS.map((id) => row?.categories.get(id)?.events ?? 0));

function source(value: string, row: Row, user: boolean, show: (ms: number) => LogTime): Source {
  const time = (ms: number | null): LogTime => (ms === null ? null : show(ms));
  const categories: SourceCategory[] = [...row.categories]
    .map(([id, { events, lines, span }]) => ({ id, events, lines, first: time(span.first), last: time(span.last) }))
    .sort((a, b) => b.events - a.events || (a.id < b.id ? -1 : 1));
  return {
    value: excerpt(value, 160),
    kind: user ? 'user' : isAddress(value) ? 'address' : 'host',
    scope: user ? 'unknown' : scopeOf(value),
    lines: row.lines,
    failingEvents: row.failingEvents,
    categories,
    counterparts: (row.counterparts ?? row.counterpartsOfPam)?.values(6) ?? NOBODY,
    first: time(row.span.first),
    last: time(row.span.last),
  };
}

/**
 * What log mining finds, in the shapes that tools answer with. Everything here is plain JSON: no undefined, no NaN.
 *
 * Counts come in twos: `lines` are lines of the file, `events` are occurrences. They differ where a logger folds
 * ("message repeated 5 times: [ … ]" is one line and five events).
 *
 * Times are strings that claim no more than the log holds: `2005-12-04T04:47:44` when it names no zone,
 * `2005-12-04T04:47:44Z` (converted) when it does, `12-10T06:55:46` when it names no year.
 */
export type LogTime = string | null;

export type Level = 'trace' | 'debug' | 'info' | 'notice' | 'warning' | 'error' | 'critical';

export interface ValueCount {
  value: string;
  count: number;
}

/**
 * How the values of one field are distributed. When memory was cut, `exact` is false: counts are then lower bounds, and
 * `distinct` is an estimate.
 */
export interface Values {
  distinct: number;
  exact: boolean;
  top: ValueCount[];
}

export interface Excerpt {
  line: number;
  text: string;
}

export interface LogProfile {
  encoding: 'utf-8' | 'utf-16' | 'binary' | 'compressed';
  bytes: number | null;
  lines: number;
  blankLines: number;
  /** Lines that belong to the record before them: stack frames and the like. */
  continuationLines: number;
  /** Lines that are no text: they are not part of the analysis. */
  unreadableLines: number;
  /** Lines of text with some bytes that could not be decoded. */
  damagedLines: number;
  /** Lines longer than the cap, of which only the beginning was read. */
  cutLines: number;
  records: number;
  events: number;
  timedRecords: number;
  first: LogTime;
  last: LogTime;
  spanSeconds: number | null;
  /** Records whose time is before that of the record above them. */
  outOfOrder: number;
  formats: ValueCount[];
  levels: ValueCount[];
  hosts: Values;
  processes: Values;
  templates: number;
  /** What was not looked at in full, in words. */
  cuts: string[];
}

export interface TemplateParameter {
  /** The word of the template that varies, with what is constant in it: `rhost=<ip>`. */
  word: string;
  position: number;
  values: Values;
}

export interface Template {
  id: number;
  process: string | null;
  text: string;
  events: number;
  lines: number;
  failing: boolean;
  levels: ValueCount[];
  signals: string[];
  first: LogTime;
  last: LogTime;
  example: Excerpt;
  parameters: TemplateParameter[];
}

/** What a signal is about: a worker and its states, a target and its refusals, an exception. */
export interface Subject {
  value: string;
  events: number;
  lines: number;
  details: Values;
}

/** A recognised kind of event. `failing` says whether it speaks of something that went wrong. */
export interface SignalReport {
  id: string;
  title: string;
  failing: boolean;
  events: number;
  lines: number;
  first: LogTime;
  last: LogTime;
  subjects: Subject[];
  distinctSubjects: number;
  exactSubjects: boolean;
  examples: Excerpt[];
}

export interface LogErrors {
  failingEvents: number;
  failingLines: number;
  /** The share of all events that are failing, 0..1. */
  failingShare: number;
  warningEvents: number;
  firstFailure: (Excerpt & { time: LogTime }) | null;
  lastFailure: (Excerpt & { time: LogTime }) | null;
  /** The share of events before the first failure, 0..1; null without a failure. */
  eventsBeforeFirst: number | null;
  signals: SignalReport[];
  /** The most frequent failing templates, then warnings. */
  templates: { id: number; text: string; events: number; lines: number; level: string; share: number }[];
}

export interface Burst {
  of: 'failures' | 'records';
  from: LogTime;
  to: LogTime;
  seconds: number;
  events: number;
  peak: number;
  /** What a bucket of this log usually holds (median). */
  usual: number;
  threshold: number;
  templates: { id: number; text: string; events: number }[];
}

export interface Gap {
  from: LogTime;
  to: LogTime;
  seconds: number;
  /** How many records the log would usually hold in that time. */
  expectedRecords: number;
}

export interface ChangeNearOnset {
  kind: 'new_template' | 'lifecycle';
  templateId: number;
  text: string;
  at: LogTime;
  secondsBeforeOnset: number;
}

export interface LogBursts {
  bucketSeconds: number | null;
  buckets: number;
  medianFailures: number;
  madFailures: number;
  bursts: Burst[];
  gaps: Gap[];
  onset: { at: LogTime; by: 'burst' | 'first_failure'; eventsBefore: number } | null;
  changes: ChangeNearOnset[];
  notes: string[];
}

export interface SourceCategory {
  id: string;
  events: number;
  lines: number;
  first: LogTime;
  last: LogTime;
}

export interface Source {
  value: string;
  kind: 'address' | 'host' | 'user';
  scope: 'public' | 'private' | 'loopback' | 'unknown';
  /** Lines that name it, failing or not. */
  lines: number;
  failingEvents: number;
  categories: SourceCategory[];
  /** For an address the users it named; for a user the addresses. */
  counterparts: Values;
  first: LogTime;
  last: LogTime;
}

export interface Login {
  user: string;
  address: string;
  events: number;
  first: LogTime;
  /** Failed attempts from this address, and for this user from anywhere, before the first success. */
  failuresOfAddressBefore: number;
  failuresOfUserBefore: number;
}

export interface LogSources {
  /** Heaviest first: by failing events, then by lines. */
  addresses: Source[];
  /** How many addresses and hosts there are of each category. */
  categories: { id: string; addresses: number }[];
  distinctAddresses: number;
  users: Source[];
  distinctUsers: number;
  logins: Login[];
  distinctLogins: number;
  /** False when memory was cut: counts are then lower bounds. */
  exact: boolean;
}

export interface LogReport {
  profile: LogProfile;
  templates: Template[];
  errors: LogErrors;
  bursts: LogBursts;
  sources: LogSources;
}

export type ProfileResult = { kind: 'logs.profile' } & LogProfile;
export type TemplatesResult = { kind: 'logs.templates'; total: number; omitted: number; templates: Template[] };
export type ErrorsResult = { kind: 'logs.errors'; omitted: number } & LogErrors;
export type BurstsResult = { kind: 'logs.bursts'; omitted: number } & LogBursts;
export type SourcesResult = { kind: 'logs.sources'; omitted: number } & LogSources;
export interface SearchResult {
  kind: 'logs.search';
  query: string;
  terms: string[];
  /** Lines of the whole file that hold every term. */
  total: number;
  omitted: number;
  matches: Excerpt[];
}

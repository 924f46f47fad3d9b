import { Counter } from './counter';
import type { SignalRule } from './signals';
import { Span } from './span';
import { Table } from './table';
import { EXCERPT, excerpt } from './text';
import type { Excerpt, LogTime, SignalReport } from './types';

const SUBJECTS_KEPT = 300;
const DETAILS_KEPT = 24;
const EXAMPLES = 2;

class SubjectRow {
  events = 0;
  lines = 0;
  readonly details = new Counter(DETAILS_KEPT);
}

/** One kind of event: how often, when, and about what. */
export class Tally {
  events = 0;
  lines = 0;
  readonly span = new Span();
  private readonly subjects = new Table(
    SUBJECTS_KEPT,
    () => new SubjectRow(),
    (row) => row.events,
  );
  private readonly examples: Excerpt[] = [];

  constructor(readonly rule: SignalRule) {}

  add(
    events: number,
    ms: number | null,
    subject: string | null,
    detail: string | null,
    line: number,
    text: string,
  ): void {
    this.events += events;
    this.lines += 1;
    this.span.extend(ms);
    if (this.examples.length < EXAMPLES) this.examples.push({ line, text: excerpt(text, EXCERPT) });
    if (subject === null || subject === '') return;
    const row = this.subjects.row(subject.slice(0, 160));
    row.events += events;
    row.lines += 1;
    if (detail !== null && detail !== '') row.details.add(detail.slice(0, 80), events);
  }

  report(show: (ms: number) => LogTime): SignalReport {
    const { id, title, failing } = this.rule;
    const subjects = this.subjects.heaviest().slice(0, 12);
    return {
      id,
      title,
      failing,
      events: this.events,
      lines: this.lines,
      first: this.span.first === null ? null : show(this.span.first),
      last: this.span.last === null ? null : show(this.span.last),
      subjects: subjects.map(([value, { events, lines, details }]) => ({
        value: excerpt(value),
        events,
        lines,
        details: details.values(10),
      })),
      distinctSubjects: this.subjects.distinct,
      exactSubjects: this.subjects.exact,
      examples: this.examples,
    };
  }
}
